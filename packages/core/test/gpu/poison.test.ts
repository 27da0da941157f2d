import type { Gpu, Tensor } from '@heed/core';
import { placeholder, poisonMemory, tryEmpty } from '@heed/core/kernel';
import { ownGpu, testGpu } from '@heed/testing';
import { expect, it } from 'vitest';
import { stateOf } from '../../src/host/gpu-state.ts';

const words = [0x7fc07fc0, 0x64d364d3];

/** The distinct words of a whole buffer. */
async function contents(gpu: Gpu, buffer: GPUBuffer): Promise<number[]> {
  const all = gpu.wrap(buffer, { shape: [buffer.size / 4], dtype: 'u32' });
  return [...new Set(await all.read())];
}

async function allocations(gpu: Gpu, allocate: () => Promise<Tensor> | Tensor): Promise<number[]> {
  const seen = new Set<number>();
  for (let turn = 0; turn < 8; turn++) {
    const t = await allocate();
    const held = await contents(gpu, t.buffer);
    expect(held).toHaveLength(1);
    seen.add(held[0]!);
    t.dispose();
  }
  return [...seen];
}

it('memory that was used before holds NaN or a secret', async () => {
  const gpu = await testGpu();
  const buffers = new Set<GPUBuffer>();
  const seen = await allocations(gpu, () => {
    const t = gpu.tensor(new Float32Array(70).fill(1), { shape: [70] });
    const { buffer } = t;
    t.dispose();
    const again = gpu.empty([70]);
    expect(again.buffer).toBe(buffer);
    buffers.add(buffer);
    return again;
  });
  expect(seen).toEqual(expect.arrayContaining(words));
  expect(buffers.size, 'used again').toBeLessThan(8);
});

it('so does fresh memory, of the pool and beside it', async () => {
  using gpu = await ownGpu();
  const sizes = [100, 1000, 3000, 10_000, 70_000, 300_000, 1_000_000, 5_000_000];
  let i = 0;
  expect(await allocations(gpu, () => gpu.empty([sizes[i++]!]))).toEqual(
    expect.arrayContaining(words),
  );
  const large = async (): Promise<Tensor> => (await tryEmpty('f', gpu, [1 + i++]))!;
  expect(await allocations(gpu, large)).toEqual(expect.arrayContaining(words));
});

it('poison ends with what it began with, and reaches what binding slots that a kernel does not use hold', async () => {
  using gpu = await ownGpu();
  const was = stateOf(gpu).pool.poison;
  const slot = placeholder(gpu, 'read').buffer;
  const heal = poisonMemory(gpu);
  const { pool, staging, ring } = stateOf(gpu);
  expect(pool.poison).not.toBe(was);
  expect(staging.poison).toBe(pool.poison);
  poisonMemory(gpu, false)();
  expect(pool.poison).not.toBe(was);
  heal();
  expect([pool.poison, staging.poison, ring.tail?.length]).toEqual([was, was, 256]);
  const whole = gpu.wrap(slot, { shape: [64], dtype: 'u32' });
  expect(words).toContain((await whole.read())[0]);
});
