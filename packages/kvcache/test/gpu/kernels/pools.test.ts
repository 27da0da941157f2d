import type { Gpu } from '@heed/core';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { largestPageCount, type Pool, tryCreatePools } from '../../../src/kernels/page-pools.ts';
import { type PageGeometry, pageBytes } from '../../../src/pages/page-geometry.ts';
import { geometryOf } from './model.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

async function poolsOf(geometry: PageGeometry, pages: number): Promise<Pool[]> {
  return (await tryCreatePools('test', gpu, geometry, pages))!;
}

describe('pools', () => {
  it('have a tensor of keys and one of values per layer, rows on whole words', async () => {
    const geometry = geometryOf('f16', [7, 4], [3, 2], 2);
    const pools = await poolsOf(geometry, 5);
    expect(pools.map(({ k }) => k.shape)).toEqual([
      [5, 3, 2, 7],
      [5, 3, 2, 7],
    ]);
    expect(pools.map(({ v }) => v.shape)).toEqual([
      [5, 3, 2, 4],
      [5, 3, 2, 4],
    ]);
    expect(pools[1]!.k.strides).toEqual([48, 16, 8, 1]);
    expect(pools[1]!.v.strides).toEqual([24, 8, 4, 1]);
    expect(new Set(pools.flatMap(({ k, v }) => [k.buffer, v.buffer])).size).toBe(4);
    const bytes = pools.reduce((sum, { k, v }) => sum + k.buffer.size + v.buffer.size, 0);
    expect(bytes).toBe(5 * pageBytes(geometry));
    expect(pageBytes(geometry)).toBe(2 * (48 + 24) * 2);
  });

  it('of quantised pages are words: a scale, then packed integers', async () => {
    const [int8] = await poolsOf(geometryOf('int8', [129, 4], [1, 1]), 2);
    const [int4] = await poolsOf(geometryOf('int4', [129, 8], [1, 1]), 2);
    expect([int8!.k.shape, int8!.v.shape]).toEqual([
      [2, 1, 1, 34],
      [2, 1, 1, 2],
    ]);
    expect([int4!.k.shape, int4!.v.shape]).toEqual([
      [2, 1, 1, 18],
      [2, 1, 1, 2],
    ]);
    expect(int8!.k.dtype).toBe('u32');
  });

  it('give their memory back', async () => {
    const geometry = geometryOf('f16', [7, 4], [3, 2]);
    const [{ k }] = (await poolsOf(geometry, 5)) as [Pool];
    k.dispose();
    expect(() => k.buffer).toThrow('disposed');
  });

  it('have at most as many pages as one binding holds', () => {
    const geometry = geometryOf('f32', [64, 128], [16, 8]);
    const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
    const page = 16 * 8 * 128 * 4;
    expect(largestPageCount(gpu, geometry)).toBe(
      Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / page),
    );
  });

  it('number slots in 31 bits', () => {
    const geometry = geometryOf('int4', [1, 1], [2 ** 30, 1]);
    expect(largestPageCount(gpu, geometry)).toBeLessThanOrEqual(1);
  });
});
