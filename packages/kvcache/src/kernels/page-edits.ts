import type { Gpu } from '@heed/core';
import { type KernelSource, uploadStorage, wgsl } from '@heed/core/kernel';
import type { PageGeometry } from '../pages/page-geometry.ts';
import { type Pool, wordsOfPage } from './page-pools.ts';
import { editPools, poolSource } from './pool-kernel.ts';

/**
 * Copies pages within a pool, bit for bit. copyBufferToBuffer cannot: it refuses equal buffers.
 * @param pairs [from, to, from, to, …], pages of the pool; no page is written twice, or both read and written
 */
export function copyPages(gpu: Gpu, geometry: PageGeometry, pool: Pool, pairs: Int32Array): void {
  const count = pairs.length / 2;
  if (count === 0) return;
  const { k, v } = wordsOfPage(geometry, pool);
  editPools('copyPages', gpu, geometry, pool, {
    source: copySource,
    list: uploadStorage(gpu, pairs),
    params: [count, k, v],
    threads: count * Math.max(k, v),
  });
}

/** Copies pages within a pool, one thread per word. */
export const copySource: KernelSource = poolSource({
  label: 'heed/copy pages',
  list: 'pages: array<u32>',
  fields: wgsl`
    pairs: u32,
    // Words of a page.
    k_words: u32,
    v_words: u32,
  `,
  verb: 'copy',
  pool: (x) => wgsl`
    fn copy_${x}(thread: u32) {
      let word = thread % params.${x}_words;
      let pair = thread / params.${x}_words;
      if (pair < params.pairs) {
        ${x}_pool[pages[2u * pair + 1u] * params.${x}_words + word] = ${x}_pool[pages[2u * pair] * params.${x}_words + word];
      }
    }
  `,
});

/** NaN in f32, in both halves of f16 and bf16, and as the scale of a quantised row. */
const NAN_WORD = 0x7fc07fc0;

/** Fills pages of a pool with NaN. In quantised rows the scale is NaN, and so are all elements. */
export function poisonPages(gpu: Gpu, geometry: PageGeometry, pool: Pool, pages: Int32Array): void {
  fillPages(gpu, geometry, pool, pages, NAN_WORD);
}

/** Fills pages of a pool with 0. */
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
  const { k, v } = wordsOfPage(geometry, pool);
  editPools('fillPages', gpu, geometry, pool, {
    source: fillSource,
    list: uploadStorage(gpu, pages),
    params: [pages.length, k, v, word],
    threads: pages.length * Math.max(k, v),
  });
}

/** Fills pages with one word. */
export const fillSource: KernelSource = poolSource({
  label: 'heed/fill pages',
  list: 'pages: array<u32>',
  fields: wgsl`
    pages: u32,
    // Words of a page.
    k_words: u32,
    v_words: u32,
    word: u32,
  `,
  verb: 'fill',
  pool: (x) => wgsl`
    fn fill_${x}(thread: u32) {
      let page = thread / params.${x}_words;
      if (page < params.pages) {
        ${x}_pool[pages[page] * params.${x}_words + thread % params.${x}_words] = params.word;
      }
    }
  `,
});
