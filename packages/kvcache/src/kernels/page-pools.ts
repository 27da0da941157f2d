import type { Gpu, Tensor } from '@heed/core';
import {
  adopt,
  bytesPerElement,
  isHalf,
  poolDType,
  rowElements,
  tryEmpty,
} from '@heed/core/kernel';
import { pageWords, type PageGeometry, poolNames } from '../pages/page-geometry.ts';

/**
 * Keys and values of one layer, [pages, pageSize, kvHeads, row]; for int8 and int4 a row is packed words. With `sharedKv`, v is a
 * slice of k.
 */
export interface Pool {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** Returns the most pages that a pool can have: it is one buffer and one binding, with 32-bit indices of elements and rows. */
export function largestPageCount(gpu: Gpu, geometry: PageGeometry): number {
  const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
  const { k, v } = pageWords(geometry);
  const pageOfPool = Math.max(k, v) * 4;
  const elements = 2 ** 32 * bytesPerElement[poolDType(geometry.format)];
  const bytes = Math.min(maxBufferSize, maxStorageBufferBindingSize, elements);
  const slots = Math.floor((2 ** 31 - 1) / geometry.pageSize);
  return Math.min(Math.floor(bytes / pageOfPool), slots);
}

/**
 * Allocates one pool per layer, contents undefined. Resolves to undefined, and keeps nothing, if the device is out of memory.
 * @param pages at most {@link largestPageCount}
 */
export async function tryCreatePools(
  fn: string,
  gpu: Gpu,
  geometry: PageGeometry,
  pages: number,
): Promise<Pool[] | undefined> {
  const shapes = poolShapes(geometry, pages);
  const tensors = await Promise.all(
    shapes.map(({ stored, label, dtype }) => tryEmpty(fn, gpu, stored, { dtype, label })),
  );
  if (tensors.every((t) => t !== undefined)) return pairs(geometry, tensors, shapes);
  for (const t of tensors) t?.dispose();
  return undefined;
}

interface PoolShape {
  /** The shape with rows of whole words. */
  readonly stored: readonly number[];
  readonly row: number;
  readonly dtype: Tensor['dtype'];
  readonly label: string;
}

/** Returns the shapes of the layers' pools: k and v, alternating, or k alone. */
function poolShapes(geometry: PageGeometry, pages: number): PoolShape[] {
  const { format, pageSize, kvHeads, headDim, headDimV } = geometry;
  const dtype = poolDType(format);
  const shape = (name: 'k' | 'v', layer: number): PoolShape => {
    const row = rowElements(format, name === 'k' ? headDim : headDimV);
    const even = isHalf(dtype) ? row + (row % 2) : row;
    const stored = [pages, pageSize, kvHeads, even];
    return { stored, row, dtype, label: `heed/pool ${name}${layer}` };
  };
  return Array.from({ length: geometry.layers }, (_, layer) => layer).flatMap((layer) =>
    poolNames(geometry).map((name) => shape(name, layer)),
  );
}

function pairs(
  geometry: PageGeometry,
  tensors: readonly Tensor[],
  shapes: readonly PoolShape[],
): Pool[] {
  const rows = tensors.map((stored, i) => {
    const { row } = shapes[i]!;
    if (stored.shape[3] === row) return stored;
    const view = adopt(stored.slice(3, 0, row));
    stored.dispose();
    return view;
  });
  if (geometry.sharedKv) {
    const columns = rowElements(geometry.format, geometry.headDimV);
    return rows.map((k) => ({ k, v: adopt(k.slice(3, 0, columns)) }));
  }
  return Array.from({ length: rows.length / 2 }, (_, layer) => {
    return { k: rows[2 * layer]!, v: rows[2 * layer + 1]! };
  });
}
