import { type KernelSource, sections, threadMain, wgsl } from '@heed/core/kernel';
import { eachPool } from '../parts/each-pool.wgsl.ts';

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
        // Of a page.
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
