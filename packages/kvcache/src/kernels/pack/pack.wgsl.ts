import { type KernelSource, memoized, sections, threadMain, wgsl } from '@heed/core/kernel';
import { eachPool } from '../parts/each-pool.wgsl.ts';

/** From the pools of a layer to the packed pages, or back. */
export type PackDirection = 'pack' | 'unpack';

export const packSource: (direction: PackDirection) => KernelSource = memoized(String, make);

function make(direction: PackDirection): KernelSource {
  const isPack = direction === 'pack';
  const [pool, packed] = isPack ? ['read', 'read_write'] : ['read_write', 'read'];
  const code = sections(
    wgsl`
      // One pool: words of its pages and rows, where its words start in a packed page, and which bits of a row's last word count.
      struct Part {
        page_words: u32,
        row_words: u32,
        start: u32,
        last_word: u32,
      }

      struct Params {
        k: Part,
        v: Part,
        pages: u32,
        // Of a packed page.
        words: u32,
        packed_start: u32,
        packed_page: u32,
      }

      @group(0) @binding(0) var<storage, read> pages: array<u32>;
      @group(0) @binding(1) var<storage, ${pool}> k_pool: array<u32>;
      @group(0) @binding(2) var<storage, ${pool}> v_pool: array<u32>;
      @group(0) @binding(3) var<storage, ${packed}> packed_pages: array<u32>;
      @group(0) @binding(4) var<uniform> params: Params;
    `,
    movePool('k', isPack),
    movePool('v', isPack),
    threadMain(
      'thread',
      eachPool((x) => `move_${x}(thread)`),
    ),
  );
  return {
    label: `heed/${direction} pages`,
    bindings: isPack
      ? ['read', 'read', 'read', 'write', 'uniform']
      : ['read', 'write', 'write', 'read', 'uniform'],
    code: `${code}\n`,
  };
}

const movePool = (x: 'k' | 'v', isPack: boolean): string => wgsl`
  fn move_${x}(thread: u32) {
    let word = thread % params.${x}.page_words;
    let i = thread / params.${x}.page_words;
    if (i >= params.pages) {
      return;
    }
    let in_pool = pages[i] * params.${x}.page_words + word;
    let in_packed = params.packed_start + i * params.packed_page + params.${x}.start + word;
    let is_last = (word + 1u) % params.${x}.row_words == 0u;
    let counts = select(0xffffffffu, params.${x}.last_word, is_last);
    ${
      isPack
        ? `packed_pages[in_packed] = ${x}_pool[in_pool] & counts;`
        : `${x}_pool[in_pool] = packed_pages[in_packed] & counts;`
    }
  }
`;
