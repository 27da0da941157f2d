import type { Gpu } from '@heed/core';
import {
  dispatch,
  getKernel,
  type KernelSource,
  sections,
  threadMain,
  uploadStorage,
  wgsl,
} from '@heed/core/kernel';
import { type PageGeometry, poolNames } from '../pages/page-geometry.ts';
import { workgroupsOf, writtenPools } from './bound-operands.ts';
import { type Pool, wordsOfPage } from './page-pools.ts';
import { eachPool } from './row-reads.wgsl.ts';

/**
 * Copies pages within a pool, bit for bit. copyBufferToBuffer cannot: it refuses equal buffers.
 * @param pairs [from, to, from, to, …], pages of the pool; no page is written twice, or both read and written
 */
export function copyPages(gpu: Gpu, geometry: PageGeometry, pool: Pool, pairs: Int32Array): void {
  const count = pairs.length / 2;
  if (count === 0) return;
  const { k, v } = wordsOfPage(geometry, pool);
  dispatch(gpu, {
    kernel: getKernel(gpu, copySource),
    buffers: [uploadStorage(gpu, pairs), ...writtenPools(gpu, geometry, pool)],
    params: Uint32Array.of(count, k, v),
    workgroups: workgroupsOf(gpu, 'copyPages', count * Math.max(k, v), poolNames(geometry).length),
  });
}

const copyPool = (x: 'k' | 'v'): string => wgsl`
  fn copy_${x}(thread: u32) {
    let word = thread % params.${x}_words;
    let pair = thread / params.${x}_words;
    if (pair < params.pairs) {
      ${x}_pool[pages[2u * pair + 1u] * params.${x}_words + word] = ${x}_pool[pages[2u * pair] * params.${x}_words + word];
    }
  }
`;

/** Copies pages within a pool, one thread per word. */
export const copySource: KernelSource = {
  label: 'heed/copy pages',
  bindings: ['read', 'write', 'write', 'uniform'],
  code: `${sections(
    wgsl`
      struct Params {
        pairs: u32,
        // Words of a page.
        k_words: u32,
        v_words: u32,
      }

      @group(0) @binding(0) var<storage, read> pages: array<u32>;
      @group(0) @binding(1) var<storage, read_write> k_pool: array<u32>;
      @group(0) @binding(2) var<storage, read_write> v_pool: array<u32>;
      @group(0) @binding(3) var<uniform> params: Params;
    `,
    copyPool('k'),
    copyPool('v'),
    threadMain(
      'thread',
      eachPool((x) => `copy_${x}(thread)`),
    ),
  )}\n`,
};

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
  dispatch(gpu, {
    kernel: getKernel(gpu, fillSource),
    buffers: [uploadStorage(gpu, pages), ...writtenPools(gpu, geometry, pool)],
    params: Uint32Array.of(pages.length, k, v, word),
    workgroups: workgroupsOf(
      gpu,
      'fillPages',
      pages.length * Math.max(k, v),
      poolNames(geometry).length,
    ),
  });
}

const fillPool = (x: 'k' | 'v'): string => wgsl`
  fn fill_${x}(thread: u32) {
    let page = thread / params.${x}_words;
    if (page < params.pages) {
      ${x}_pool[pages[page] * params.${x}_words + thread % params.${x}_words] = params.word;
    }
  }
`;

/** Fills pages with one word. */
export const fillSource: KernelSource = {
  label: 'heed/fill pages',
  bindings: ['read', 'write', 'write', 'uniform'],
  code: `${sections(
    wgsl`
      struct Params {
        pages: u32,
        // Words of a page.
        k_words: u32,
        v_words: u32,
        word: u32,
      }

      @group(0) @binding(0) var<storage, read> pages: array<u32>;
      @group(0) @binding(1) var<storage, read_write> k_pool: array<u32>;
      @group(0) @binding(2) var<storage, read_write> v_pool: array<u32>;
      @group(0) @binding(3) var<uniform> params: Params;
    `,
    fillPool('k'),
    fillPool('v'),
    threadMain(
      'thread',
      eachPool((x) => `fill_${x}(thread)`),
    ),
  )}\n`,
};
