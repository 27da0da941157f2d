import { printedBy } from '@heed/testing';
import { expect, it } from 'vitest';

// test/unit/readme.test.ts holds that these files are what the README shows.
it('the README’s first example runs and prints what it says', async () => {
  const [first, second] = await printedBy(() => import('../examples/quickstart.ts'));
  expect(Object.keys(first![1] as object)).toEqual(['f16', 'subgroups']);
  expect(second).toEqual([[2, 3], Float32Array.of(1, 4, 2, 5, 3, 6)]);
});

it('the README’s kernel runs and prints what it says', async () => {
  const calls = await printedBy(() => import('../examples/kernel.ts'));
  expect(calls).toEqual([[Float32Array.of(2, 4, 6)]]);
});
