import { printedBy } from '@heed/testing';
import { expect, it } from 'vitest';

it('the example for browsers in the repository’s README runs on a device and buffers of its own', async () => {
  const [call] = await printedBy(() => import('../examples/browser.ts'));
  const [shape, buffer] = call as [number[], GPUBuffer];
  expect(shape).toEqual([12, 4, 64]);
  expect(buffer).toBeInstanceOf(GPUBuffer);
});
