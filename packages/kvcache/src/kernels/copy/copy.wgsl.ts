import { type KernelSource, sections, threadMain, wgsl } from '@heed/core/kernel';
import { eachPool } from '../parts/each-pool.wgsl.ts';

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
        // Of a page.
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
