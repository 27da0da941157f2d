import type { Gpu } from '@heed/core';
import { bindTensor, dispatch, getKernel, uploadStorage } from '@heed/core/kernel';
import type { PageGeometry } from '../../pages/geometry.ts';
import { pageWords, type Pool } from '../../pages/pools.ts';
import { workgroupsOf } from '../parts/workgroups.ts';
import { fillSource } from './fill.wgsl.ts';

/** Makes every number in pages of a pool NaN; in quantised rows the scale, which makes every number so. */
export function poisonPages(gpu: Gpu, geometry: PageGeometry, pool: Pool, pages: Int32Array): void {
  fillPages(gpu, geometry, pool, pages, geometry.format === 'f16' ? 0x7e007e00 : 0x7fc00000);
}

/** Makes every number in pages of a pool 0. */
export function clearPages(gpu: Gpu, geometry: PageGeometry, pool: Pool, pages: Int32Array): void {
  fillPages(gpu, geometry, pool, pages, 0);
}

function fillPages(
  gpu: Gpu,
  geometry: PageGeometry,
  pool: Pool,
  pages: Int32Array,
  word: number,
): void {
  if (pages.length === 0) return;
  const { k, v } = pageWords(geometry);
  dispatch(gpu, {
    kernel: getKernel(gpu, fillSource),
    buffers: [uploadStorage(gpu, pages), bindTensor(pool.k).range, bindTensor(pool.v).range],
    params: Uint32Array.of(pages.length, k, v, word),
    workgroups: workgroupsOf(gpu, 'fillPages', pages.length * Math.max(k, v), 2),
  });
}
