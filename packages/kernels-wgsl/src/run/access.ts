import type { Tensor } from '@heed/core';
import { bytesPerElement } from '@heed/core/kernel';
import type { ReadAccess, WriteAccess } from '../config/forward.ts';

/** How q, k and v can be read: one answer for all three keeps the number of kernels down. */
export function readAccess(tensors: readonly Tensor[]): ReadAccess {
  return tensors.every(inVectors) ? 'vec4' : 'scalar';
}

/** How `out` can be written. */
export function writeAccess(out: Tensor): WriteAccess {
  if (inVectors(out)) return 'vec4';
  return out.dtype === 'f16' && inWords(out) ? 'pair' : 'scalar';
}

/** Whether the last axis is dense and every row of it starts on a multiple of 4 elements. */
function inVectors(t: Tensor): boolean {
  return t.shape.at(-1)! % 4 === 0 && startsOn(t, 4);
}

function inWords(t: Tensor): boolean {
  return startsOn(t, 2);
}

function startsOn(t: Tensor, elements: number): boolean {
  const last = t.shape.length - 1;
  return (
    (t.strides[last] === 1 || t.shape[last] === 1) &&
    (t.byteOffset / bytesPerElement[t.dtype]) % elements === 0 &&
    t.strides.every((stride, axis) => axis === last || t.shape[axis]! <= 1 || stride % elements === 0)
  );
}
