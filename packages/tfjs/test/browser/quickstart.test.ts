import { openTfjs } from '@heed/tfjs';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it, vi } from 'vitest';

it('the README’s first example runs in a browser page, on the device that TensorFlow.js makes', async () => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {});
  await import('../examples/quickstart.ts');
  const [shape, dq] = log.mock.calls[0] as unknown as [number[], Float32Array];
  log.mockRestore();
  expect(shape).toEqual([1, 4, 64, 8]);
  expect(dq).toHaveLength(2048);
  expect(dq.every(Number.isFinite)).toBe(true);
  expect(dq.some((x) => x !== 0)).toBe(true);
  expect(tf.getBackend()).toBe('webgpu');
  await (await openTfjs()).settled();
});
