import { printedBy } from '@heed/testing';
import { expect, it } from 'vitest';

// test/unit/readme.test.ts compares these files with the README.
it('the README’s first example runs and prints what it says', async () => {
  const [first, second] = await printedBy(() => import('../examples/quickstart.ts'));
  expect(Object.keys(first![1] as object)).toEqual(['f16', 'subgroups']);
  expect(second).toEqual([[2, 3], Float32Array.of(1, 4, 2, 5, 3, 6)]);
});

it('the README’s kernel runs and prints what it says', async () => {
  const calls = await printedBy(() => import('../examples/own-kernel.ts'));
  expect(calls).toEqual([[Float32Array.of(2, 4, 6)]]);
});

// Core has no types of Node.
interface NodeModule {
  spawnSync(
    program: string,
    args: string[],
    o: { cwd: URL },
  ): { status: number; stderr: Uint8Array };
}
const { process } = globalThis as unknown as {
  process: { execPath: string; getBuiltinModule(id: 'node:child_process'): NodeModule };
};

const program = `
  const { openGpu } = await import('@heed/core');
  for (let i = 0; i < 3; i++) (await openGpu()).dispose();
`;

// Dawn writes to stderr, not through the console.
it('what Dawn warns of is written once, however many are opened', () => {
  const { spawnSync } = process.getBuiltinModule('node:child_process');
  const flags = ['--conditions=@heed/source', '--input-type=module', '--eval', program];
  const cwd = new URL('../..', import.meta.url);
  const { status, stderr } = spawnSync(process.execPath, flags, { cwd });
  const text = new TextDecoder().decode(stderr);
  expect([
    status,
    text.split('\n').filter((line, i, all) => all.indexOf(line) !== i && line),
  ]).toEqual([0, []]);
});
