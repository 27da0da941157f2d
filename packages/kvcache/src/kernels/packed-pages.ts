import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import {
  bindTensor,
  dispatch,
  formatShape,
  getKernel,
  type KernelSource,
  memoized,
  sections,
  threadMain,
  uploadStorage,
  wgsl,
} from '@heed/core/kernel';
import { kvRowWords, pageBytes, type PageGeometry, pageWords } from '../pages/page-geometry.ts';
import { workgroupsOf } from './bound-operands.ts';
import type { Pool } from './page-pools.ts';
import { eachPool } from './row-reads.wgsl.ts';

/**
 * Returns the contents of pages over all layers in a layout that is the same on every device: [pages.length, words], where a page
 * is [layer][k, then v][row of the page][kv head][words of the row]. An f32 row is its numbers; an f16 row has two per word (low
 * half first; an odd row ends with a zero half); an int8 or int4 row is its scale and packed integers.
 * @throws LimitError more words than one buffer or binding holds: pack fewer pages at a time
 */
export function packPages(
  gpu: Gpu,
  geometry: PageGeometry,
  pools: readonly Pool[],
  pages: Int32Array,
): Tensor {
  const shape = [pages.length, pageBytes(geometry) / 4];
  const packed = gpu.empty(shape, { dtype: 'u32', label: 'heed/packed pages' });
  movePages(gpu, geometry, pools, pages, packed, 'pack');
  return packed;
}

/** Writes the result of {@link packPages}, of this or another device, to pages of the pools: one row of `packed` per page. */
export function unpackPages(
  gpu: Gpu,
  geometry: PageGeometry,
  pools: readonly Pool[],
  pages: Int32Array,
  packed: Tensor,
): void {
  const [count, words] = packed.shape;
  const wanted = [pages.length, pageBytes(geometry) / 4];
  if (count !== wanted[0] || words !== wanted[1] || packed.strides[1] !== 1) {
    throw new ValidationError(
      `unpackPages: packed must be ${formatShape(wanted)} with dense rows; got ${formatShape(packed.shape)}, strides ${formatShape(packed.strides)}. ` +
        'Pass one row of words per page, from a cache of the same geometry.',
    );
  }
  movePages(gpu, geometry, pools, pages, packed, 'unpack');
}

function movePages(
  gpu: Gpu,
  geometry: PageGeometry,
  pools: readonly Pool[],
  pages: Int32Array,
  packed: Tensor,
  direction: PackDirection,
): void {
  if (pages.length === 0) return;
  const kernel = getKernel(gpu, packSource(direction));
  const { range, elementOffset } = bindTensor(packed);
  const { k, v } = pageWords(geometry);
  gpu.batch(() => {
    const list = uploadStorage(gpu, pages);
    pools.forEach((pool, layer) => {
      const start = elementOffset + layer * (k + v);
      dispatch(gpu, {
        kernel,
        buffers: [list, bindTensor(pool.k).range, bindTensor(pool.v).range, range],
        params: packParams(geometry, [pages.length, k + v, start, packed.strides[0]!]),
        workgroups: workgroupsOf(gpu, `${direction}Pages`, pages.length * Math.max(k, v), 2),
      });
    });
  });
}

function packParams(geometry: PageGeometry, move: readonly number[]): Uint32Array {
  const [page, row] = [pageWords(geometry), kvRowWords(geometry)];
  const lastWord = (dim: number): number =>
    geometry.format === 'f16' && dim % 2 === 1 ? 0xffff : 0xffffffff;
  const k = [page.k, row.k, 0, lastWord(geometry.headDim)];
  const v = [page.v, row.v, page.k, lastWord(geometry.headDimV)];
  return Uint32Array.of(...k, ...v, ...move);
}

/** 'pack': from the pools of a layer to packed pages; 'unpack': back. */
type PackDirection = 'pack' | 'unpack';

export const packSource: (direction: PackDirection) => KernelSource = memoized(String, make);

function make(direction: PackDirection): KernelSource {
  const isPack = direction === 'pack';
  const [pool, packed] = isPack ? ['read', 'read_write'] : ['read_write', 'read'];
  const code = sections(
    wgsl`
      // A pool: words of its pages and rows, its start in a packed page, and the used bits of a row's last word.
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
        // Words of a page in both pools.
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
