import type { Tensor } from '@heed/core';
import { bytesPerElement } from '@heed/core/kernel';
import type { ReadAccess, WriteAccess } from '../config/forward.ts';

/** How a tensor lies in memory: of one that exists, or of one that a plan expects. */
export type MemoryLayout = Pick<Tensor, 'shape' | 'strides' | 'byteOffset' | 'dtype'>;

/** How q, k and v can be read: one answer for all three keeps the number of kernels down. Integers are read by the word. */
export function readAccess(tensors: readonly MemoryLayout[]): ReadAccess {
  return tensors.every((t) => t.dtype === 'u32' || inVectors(t)) ? 'vec4' : 'scalar';
}

/** How `out` can be written. */
export function writeAccess(out: MemoryLayout): WriteAccess {
  if (inVectors(out)) return 'vec4';
  return out.dtype === 'f16' && startsOn(out, 2) ? 'pair' : 'scalar';
}

function inVectors(t: MemoryLayout): boolean {
  return t.shape[t.shape.length - 1]! % 4 === 0 && startsOn(t, 4);
}

/** Whether the last axis is dense and every row of it starts on a multiple of `elements`. */
function startsOn({ shape, strides, byteOffset, dtype }: MemoryLayout, elements: number): boolean {
  const last = shape.length - 1;
  if (strides[last] !== 1 && shape[last] !== 1) return false;
  // A loop, since this is asked of each tensor of each call.
  for (let axis = 0; axis < last; axis++) {
    if (shape[axis]! > 1 && strides[axis]! % elements !== 0) return false;
  }
  return (byteOffset / bytesPerElement[dtype]) % elements === 0;
}
