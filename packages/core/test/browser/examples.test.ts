import { printedBy } from '@heed/testing';
import { expect, it } from 'vitest';

it('the README’s example for browsers runs on a device and a buffer of its own', async () => {
  const calls = await printedBy(() => import('../examples/browser.ts'));
  expect(calls).toEqual([[[4, 2, 64], new Float32Array(512)]]);
});
