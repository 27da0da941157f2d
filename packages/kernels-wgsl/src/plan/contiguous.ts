import type { DType } from '@heed/core';
import { rowMajorStrides } from '@heed/core/kernel';
import type { MemoryLayout } from '../run/access.ts';

/**
 * How heed lays out a tensor that it allocates, for one that does not exist yet.
 * @param halfWords rows of halves start on whole words, as they do without `shader-f16`
 */
export function contiguous(
  shape: readonly number[],
  dtype: DType,
  halfWords: boolean,
): MemoryLayout {
  const strides = rowMajorStrides(shape, dtype === 'f16' && halfWords);
  return { shape, strides, byteOffset: 0, dtype };
}
