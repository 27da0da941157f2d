import { printedBy } from '@heed/testing';
import { expect, it } from 'vitest';

// test/unit/manifest.test.ts compares these files with the README.
it('the README’s first example runs and prints what it says', async () => {
  const calls = await printedBy(() => import('../examples/quickstart.ts'));
  expect(calls).toEqual([
    ['1/2', 'merge/empty-with-empty/f32', 'pass'],
    ['2/2', 'merge/empty-with-empty/f16', 'pass'],
    [{ pass: 2, fail: 0, unsupported: 0 }],
  ]);
});

it('the README’s check of a mod’s gradients runs', async () => {
  const [call] = await printedBy(() => import('../examples/check-a-mod.ts'));
  expect(call).toEqual([true, expect.stringMatching(/^gradcheck: ok/)]);
});
