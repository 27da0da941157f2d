import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import { bindTensor, dispatch, formatShape, getKernel, uploadStorage } from '@heed/core/kernel';
import type { PageGeometry } from '../../pages/geometry.ts';
import { pageBytes, pageWords, type Pool, rowWords } from '../../pages/pools.ts';
import { workgroupsOf } from '../parts/workgroups.ts';
import { type PackDirection, packSource } from './pack.wgsl.ts';

/**
 * The content of pages over all layers, as words that mean the same on every device: [pages.length, words], where the words
 * of a page are [layer][k, then v][row of the page][kv head][words of the row]. A row of f32 is its numbers, of f16 two to a
 * word (low half first; a row of odd length ends with a zero half), of int8 and int4 its scale and packed integers.
 * @throws LimitError more than one buffer or binding holds: pack fewer pages at a time
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

/** Writes what {@link packPages} made, on this or another device, to pages of the pools: one row of `packed` to each. */
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
  const [page, row] = [pageWords(geometry), rowWords(geometry)];
  const lastWord = (dim: number): number =>
    geometry.format === 'f16' && dim % 2 === 1 ? 0xffff : 0xffffffff;
  const k = [page.k, row.k, 0, lastWord(geometry.headDim)];
  const v = [page.v, row.v, page.k, lastWord(geometry.headDimV)];
  return Uint32Array.of(...k, ...v, ...move);
}
