import type { Gpu, Tensor } from '@heed/core';
import {
  adopt,
  bytesPerElement,
  isHalf,
  poolDType,
  retyped,
  rowElements,
  tryEmpty,
} from '@heed/core/kernel';
import { formatIn, type KvWords, type PageGeometry } from '../pages/page-geometry.ts';
import type { CacheLayout, GroupLayout, LayerPlace } from '../pages/page-layout.ts';

/**
 * Keys and values of one layer, [pages, pageSize, kvHeads, row]; for int8 and int4 a row is packed words. With `sharedKv`, v is a
 * slice of k. Layers of other runs may have pages in the same buffers.
 */
export interface Pool {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Returns the words from a page of a pool to the next; 0 of v with `sharedKv`. */
export function wordsOfPage({ sharedKv }: PageGeometry, { k, v }: Pool): KvWords {
  const stride = ({ strides, dtype }: Tensor): number => (strides[0]! * bytesPerElement[dtype]) / 4;
  return { k: stride(k), v: sharedKv ? 0 : stride(v) };
}

/**
 * Returns the most blocks that a cache can have: the K buffers of a slot are one buffer and one binding, and so are the V buffers, with
 * 32-bit indices of elements and rows.
 */
export function largestBlockCount(gpu: Gpu, { blockWords, groups, pageSize }: CacheLayout): number {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const sizes = groups.flatMap(({ geometry }) =>
    (['k', 'v'] as const).map((x) => bytesPerElement[poolDType(formatIn(geometry, x))]),
  );
  const elements = 2 ** 32 * Math.min(...sizes);
  const bytes = Math.min(maxBufferSize, maxStorageBufferBindingSize, elements);
  const rows = Math.floor((2 ** 31 - 1) / pageSize);
  const perBlock = Math.max(...groups.map((group) => group.perBlock));
  return Math.min(
    Math.floor(bytes / (Math.max(blockWords.k, blockWords.v) * 4)),
    Math.floor(rows / perBlock),
  );
}

/**
 * Allocates the buffers of all slots, contents undefined, and returns the pools of all layers. Resolves to undefined, and keeps
 * nothing, if the device is out of memory.
 * @param blocks at most {@link largestBlockCount}
 */
export async function tryCreatePools(
  fn: string,
  gpu: Gpu,
  layout: CacheLayout,
  blocks: number,
): Promise<Pool[] | undefined> {
  const { blockWords, slots } = layout;
  const allocate = (x: 'k' | 'v', slot: number): Promise<Tensor | undefined> => {
    const options = { dtype: 'u32', label: `heed/pool ${x}${slot}` } as const;
    return tryEmpty(fn, gpu, [blocks * blockWords[x]], options);
  };
  const numbers = Array.from({ length: slots }, (_, slot) => slot);
  const [k, v] = await Promise.all([
    Promise.all(numbers.map((slot) => allocate('k', slot))),
    Promise.all(blockWords.v === 0 ? [] : numbers.map((slot) => allocate('v', slot))),
  ]);
  const all = [...k, ...v];
  const isComplete = all.every((t) => t !== undefined);
  const pools = isComplete
    ? layout.places.map((place) => poolOf(place, blocks, k[place.slot]!, v[place.slot]))
    : undefined;
  for (const t of all) t?.dispose();
  return pools;
}

/** Returns the pool of a layer in the buffers of its slot. */
function poolOf({ group }: LayerPlace, blocks: number, k: Tensor, v: Tensor | undefined): Pool {
  const keys = rowsIn(group, 'k', blocks, k);
  const { sharedKv, headDimV, format } = group.geometry;
  if (!sharedKv) return { k: keys, v: rowsIn(group, 'v', blocks, v!) };
  return { k: keys, v: adopt(keys.slice(3, 0, rowElements(format, headDimV))) };
}

/** Returns a group's rows of keys or values in a buffer. */
function rowsIn(
  { geometry, stride, perBlock }: GroupLayout,
  x: 'k' | 'v',
  blocks: number,
  buffer: Tensor,
): Tensor {
  const { pageSize, kvHeads } = geometry;
  const row = rowOf(geometry, x);
  const dtype = poolDType(formatIn(geometry, x));
  const even = isHalf(dtype) ? row + (row % 2) : row; // rows are whole words
  const page = (stride[x] * 4) / bytesPerElement[dtype];
  const shape = [blocks * perBlock, pageSize, kvHeads, row];
  const strides = [page, kvHeads * even, even, 1];
  return retyped(buffer, { shape, strides, dtype }, buffer.label);
}

const rowOf = (geometry: PageGeometry, x: 'k' | 'v'): number =>
  rowElements(formatIn(geometry, x), x === 'k' ? geometry.headDim : geometry.headDimV);
