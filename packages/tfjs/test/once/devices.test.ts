import { openGpu } from '@heed/core';
import { attention, openTfjs } from '@heed/tfjs';
import { takeGpuErrors } from '@heed/testing';
import { expect, it } from 'vitest';
import { normal, useDevice } from '../fixture.ts';
import { formula } from '../reference.ts';

/** A device like the one that TensorFlow.js requests: without what heed asks for. */
async function plainDevice(): Promise<GPUDevice> {
  const { create } = await import('webgpu');
  const dawn = create([]);
  (globalThis as { dawn?: GPU }).dawn = dawn; // Dawn's devices live no longer than it
  return (await dawn.requestAdapter())!.requestDevice();
}

it('runs on the device of a backend that TensorFlow.js made, opened once', async () => {
  const backend = await useDevice(await plainDevice());
  const x = normal(1, [1, 2, 5, 8]);
  expect(() => attention(x, x, x)).toThrow(/heed is not open on this backend.*await openTfjs\(\)/);

  const gpu = await openTfjs();
  expect(gpu.device).toBe(backend.device);
  expect(await openTfjs()).toBe(gpu);
  const want = (await formula(x, x, x).data()) as Float32Array;
  expect(await attention(x, x, x).data()).toMatchTensor(want, { tolerance: 2e-6 });

  gpu.dispose();
  expect(() => attention(x, x, x)).toThrow(/was disposed/);
  const again = await openTfjs();
  expect(again).not.toBe(gpu);
  expect(await attention(x, x, x).data()).toMatchTensor(want, { tolerance: 2e-6 });
  await again.settled();
  expect(takeGpuErrors()).toEqual([]);
});

it('runs on a device that heed opened', async () => {
  using gpu = await openGpu();
  await useDevice(gpu.device);
  expect(await openTfjs({ gpu })).toBe(gpu);
  const x = normal(1, [1, 2, 5, 8]);
  expect(await attention(x, x, x).data()).toHaveLength(x.size);
});
