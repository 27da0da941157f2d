import type { Gpu } from '@heed/core';
import { bindTensor, dispatch, getKernel, uploadStorage, uploadUniform } from '@heed/core/kernel';
import type { PageGeometry } from '../../pages/geometry.ts';
import { pageWords, type Pool } from '../../pages/pools.ts';
import { workgroupsOf } from '../parts/workgroups.ts';
import { poisonSource } from './poison.wgsl.ts';

/** Makes every number in pages of a pool NaN; in quantised rows the scale, which makes every number so. */
export function poisonPages(gpu: Gpu, geometry: PageGeometry, pool: Pool, pages: Int32Array): void {
  if (pages.length === 0) return;
  const { k, v } = pageWords(geometry);
  const nan = geometry.format === 'f16' ? 0x7e007e00 : 0x7fc00000;
  dispatch(gpu, {
    kernel: getKernel(gpu, poisonSource),
    buffers: [
      uploadStorage(gpu, pages),
      bindTensor(pool.k).range,
      bindTensor(pool.v).range,
      uploadUniform(gpu, Uint32Array.of(pages.length, k, v, nan)),
    ],
    workgroups: workgroupsOf(gpu, 'poisonPages', pages.length * Math.max(k, v), 2),
  });
}
