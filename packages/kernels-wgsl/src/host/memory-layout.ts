import type { Tensor } from '@heed/core';
import { type BoundTensor, bytesPerElement, isHalf } from '@heed/core/kernel';
import { type Axes, rowShapes } from '../select/row-shapes.ts';
import type { ReadAccess, WriteAccess } from '../text/parts/kinds.ts';
import type { Call } from './attention-call.ts';

/** Memory layout of a tensor, either of an existing one or of one that a plan expects. */
export type MemoryLayout = Pick<Tensor, 'shape' | 'strides' | 'byteOffset' | 'dtype'>;

/**
 * Returns how q, k and v can be read. They share one answer, which keeps the number of kernels small. Integers are read by
 * the word.
 * @param isWide whether the kernel loads 16-bit floats eight elements at a time, where it can
 */
export function readAccess(tensors: readonly MemoryLayout[], isWide = false): ReadAccess {
  if (!tensors.every((t) => t.dtype === 'u32' || inVectors(t, 4))) return 'scalar';
  const halves = isWide ? tensors.filter((t) => isHalf(t.dtype)) : [];
  return halves.length > 0 && halves.every((t) => inVectors(t, 8)) ? 'vec8' : 'vec4';
}

/** Returns how `out` can be written. */
export function writeAccess(out: MemoryLayout): WriteAccess {
  if (inVectors(out, 4)) return 'vec4';
  return isHalf(out.dtype) && startsOn(out, 2) ? 'pair' : 'scalar';
}

function inVectors(t: MemoryLayout, elements: number): boolean {
  return t.shape[t.shape.length - 1]! % elements === 0 && startsOn(t, elements);
}

/** Whether the last axis is dense and every row of it starts on a multiple of `elements`. */
function startsOn({ shape, strides, byteOffset, dtype }: MemoryLayout, elements: number): boolean {
  const last = shape.length - 1;
  if (strides[last] !== 1 && shape[last] !== 1) return false;
  // A plain loop, because this runs for each tensor of each call.
  for (let axis = 0; axis < last; axis++) {
    if (shape[axis]! > 1 && strides[axis]! % elements !== 0) return false;
  }
  return (byteOffset / bytesPerElement[dtype]) % elements === 0;
}

// [pages, pageSize, Hkv, D]: the page stride is stored as the batch stride.
const paged: Axes = { batch: 0, head: 2, row: 1, dim: 3 };

/** Returns the axes of q and out; `leading` counts the axes before them (a split axis). */
export function queryAxes({ lengths }: Call, leading = 0): Axes {
  const { axes } = rowShapes[lengths];
  if (leading === 0) return axes;
  const { batch, head, row, dim } = axes;
  return {
    batch: batch === undefined ? undefined : batch + leading,
    head: head + leading,
    row: row + leading,
    dim: dim + leading,
  };
}

/** Returns the axes of k and v. */
export function keyAxes({ keys, lengths }: Call): Axes {
  if (keys === 'paged') return paged;
  return rowShapes[lengths].axes;
}

/** Offset and strides of a tensor within its binding, in elements. */
export interface Strides {
  readonly offset: number;
  readonly batch: number;
  readonly head: number;
  readonly row: number;
  readonly dim: number;
  /** Stride between the parts of successive splits. */
  readonly split: number;
}

/** Returns the offset and strides of one tensor, by axis name. */
export function stridesOf(
  { shape, strides }: Tensor,
  { elementOffset }: BoundTensor,
  axes: Axes,
  leading = 0,
): Strides {
  return {
    offset: elementOffset,
    batch: strideOf(shape, strides, axes.batch),
    head: strideOf(shape, strides, axes.head),
    row: strideOf(shape, strides, axes.row),
    dim: strideOf(shape, strides, axes.dim),
    split: leading ? strides[0]! : 0,
  };
}

// A batch of 1 broadcasts over the batch.
function strideOf(
  shape: readonly number[],
  strides: readonly number[],
  axis: number | undefined,
): number {
  return axis === undefined || shape[axis] === 1 ? 0 : strides[axis]!;
}

/** Returns the offset and strides of an lse, [B, H, L] or [H, T], after `leading` axes. */
export function lseStrides(
  { lengths }: Call,
  lse: Tensor,
  { elementOffset }: BoundTensor,
  leading: number,
): Strides {
  const strides = lse.strides.slice(leading);
  const [batch, head, row] =
    rowShapes[lengths].axes.batch === undefined ? [0, ...strides] : strides;
  return {
    offset: elementOffset,
    batch: batch!,
    head: head!,
    row: row!,
    dim: 0,
    split: leading ? lse.strides[0]! : 0,
  };
}

/** Strides by axis name, in elements; 0 if the layout lacks the axis. */
export interface RowStrides {
  readonly step: number;
  readonly outer: number;
  readonly head: number;
  readonly row: number;
  readonly dim: number;
}

interface Rows {
  readonly outer: number;
  readonly heads: number;
  readonly rows: number;
  readonly strides: RowStrides;
}

/** Returns the rows of an `out`, [B, H, L, D] or [T, H, D], after `leading` axes (a split axis). */
export function boundRows({ shape, strides }: Tensor, leading: 0 | 1 = 0): Rows {
  const step = leading === 1 ? strides[0]! : 0;
  const [s, n] = [strides.slice(leading), shape.slice(leading)];
  if (n.length === 4) {
    return {
      outer: n[0]!,
      heads: n[1]!,
      rows: n[2]!,
      strides: { step, outer: s[0]!, head: s[1]!, row: s[2]!, dim: s[3]! },
    };
  }
  return {
    outer: 1,
    heads: n[1]!,
    rows: n[0]!,
    strides: { step, outer: 0, head: s[1]!, row: s[0]!, dim: s[2]! },
  };
}

/** Returns the strides of an `lse`, [B, H, L] or [H, T], after `leading` axes. */
export function boundLse({ strides }: Tensor, leading: 0 | 1 = 0): RowStrides {
  const step = leading === 1 ? strides[0]! : 0;
  const s = strides.slice(leading);
  if (s.length === 3) return { step, outer: s[0]!, head: s[1]!, row: s[2]!, dim: 0 };
  return { step, outer: 0, head: s[0]!, row: s[1]!, dim: 0 };
}

/** Returns an offset and strides as parameters whose names start with `name`. */
export function named(name: string, offset: number, strides: RowStrides): Record<string, number> {
  return {
    [`${name}_offset`]: offset,
    ...Object.fromEntries(
      Object.entries(strides).map(([axis, stride]) => [`${name}_${axis}`, stride]),
    ),
  };
}

/** Returns the offset of a gradient within the tensor that it is a view of, in elements. */
export function offsetWithin(view: Tensor, whole: Tensor): number {
  return (view.byteOffset - whole.byteOffset) / bytesPerElement[view.dtype];
}
