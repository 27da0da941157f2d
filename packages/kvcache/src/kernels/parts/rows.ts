import type { Tensor } from '@heed/core';
import { bindTensor, type BufferRange } from '@heed/core/kernel';

/** A [tokens, heads, dim] tensor as a kernel binds it. */
export interface BoundRows {
  readonly range: BufferRange;
  /** Words of the WGSL struct `Rows`. */
  readonly values: readonly number[];
}

/** @param words 32-bit words that a row takes where it is written */
export function bindRows(t: Tensor, words: number): BoundRows {
  const { range, elementOffset } = bindTensor(t);
  const [token, head, element] = t.strides as [number, number, number];
  const isHalf = t.dtype === 'f16' ? 1 : 0;
  return {
    range,
    values: [elementOffset, token, head, element, t.shape[2]!, isHalf, words, 0],
  };
}
