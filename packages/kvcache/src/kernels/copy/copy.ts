import type { Gpu } from '@heed/core';
import { bindTensor, dispatch, getKernel, uploadStorage } from '@heed/core/kernel';
import type { PageGeometry } from '../../pages/geometry.ts';
import { pageWords, type Pool } from '../../pages/pools.ts';
import { workgroupsOf } from '../parts/workgroups.ts';
import { copySource } from './copy.wgsl.ts';

/**
 * Copies pages of a pool within it, bit by bit: copyBufferToBuffer refuses one buffer for both.
 * @param pairs [from, to, from, to, …], pages of the pool; no page is written twice, or both read and written
 */
export function copyPages(gpu: Gpu, geometry: PageGeometry, pool: Pool, pairs: Int32Array): void {
  const count = pairs.length / 2;
  if (count === 0) return;
  const { k, v } = pageWords(geometry);
  dispatch(gpu, {
    kernel: getKernel(gpu, copySource),
    buffers: [uploadStorage(gpu, pairs), bindTensor(pool.k).range, bindTensor(pool.v).range],
    params: Uint32Array.of(count, k, v),
    workgroups: workgroupsOf(gpu, 'copyPages', count * Math.max(k, v), 2),
  });
}
