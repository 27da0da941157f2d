import { expect, test } from 'vitest';
import { run } from '../lib/run.mjs';

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
