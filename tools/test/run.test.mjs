import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inLanes, run } from '../lib/run.mjs';

const watched = (times) => {
  const seen = { running: 0, most: 0, begun: [] };
  const tasks = times.map((ms, index) => async () => {
    seen.begun.push(index);
    seen.most = Math.max(seen.most, ++seen.running);
    await sleep(ms);
    seen.running--;
    return index;
  });
  return { seen, tasks };
};

test('results come in the order of the tasks, whichever ends first', async () => {
  const { tasks } = watched([30, 1, 10, 1]);
  expect(await inLanes(tasks, 2)).toEqual([0, 1, 2, 3]);
});

test('as many run at a time as there are lanes, the first ones first', async () => {
  const { seen, tasks } = watched([20, 5, 5, 5, 5]);
  await inLanes(tasks, 2);
  expect(seen.most).toBe(2);
  expect(seen.begun).toEqual([0, 1, 2, 3, 4]);
});

test('one lane is one after the other', async () => {
  const { seen, tasks } = watched([5, 5, 5]);
  await inLanes(tasks, 1);
  expect(seen.most).toBe(1);
});

test('a task that throws is not lost', async () => {
  const fails = () => Promise.reject(new Error('no driver'));
  await expect(inLanes([fails, () => 1], 2)).rejects.toThrow('no driver');
});

const busy = (ms) =>
  `const until = process.cpuUsage().user + ${ms}e3; while (process.cpuUsage().user < until);`;

test.runIf(process.platform === 'linux')(
  'a command is charged for its children, and for those that outlive their parent',
  async () => {
    const child = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(busy(1500))}], { stdio: 'inherit' }).unref();`;
    const { cpuSeconds } = await run('node', ['-e', `${child} setTimeout(process.exit, 1000)`], {
      output: 'capture',
      measure: true,
    });
    expect(cpuSeconds).toBeGreaterThan(0.7);
  },
);

test('a command that is not measured has no processor time', async () => {
  expect((await run('node', ['-e', ''], { output: 'capture' })).cpuSeconds).toBeUndefined();
});
