import { LimitError, ValidationError } from '@heed/core';
import { tryEmpty } from '@heed/core/kernel';
import { testGpu } from '@heed/testing';
import { expect, it } from 'vitest';
import { add } from './kernels.ts';

it('tryEmpty allocates exactly what gpu.empty would round up', async () => {
  const gpu = await testGpu();
  using t = (await tryEmpty('f', gpu, [3, 100], { label: 'large' }))!;
  expect([t.shape, t.strides, t.dtype, t.label]).toEqual([[3, 100], [100, 1], 'f32', 'large']);
  expect(t.buffer.size).toBe(1200);
  using sum = add(gpu, t, 1);
  expect(await sum.read()).toHaveLength(300);
});

it('tryEmpty refuses what no device has room for, and what is no shape', async () => {
  const gpu = await testGpu();
  const words = Math.floor(gpu.device.limits.maxBufferSize / 4);
  await expect(tryEmpty('create', gpu, [words + 1])).rejects.toThrow(LimitError);
  await expect(tryEmpty('create', gpu, [words + 1])).rejects.toThrow(/^create: one buffer holds/);
  await expect(tryEmpty('create', gpu, [-1])).rejects.toThrow(ValidationError);
});
