import type { Tensor } from '@heed/core';
import type { BoundTensor } from '@heed/core/kernel';
import type { Call } from '../api/call.ts';

/** Which axis of a tensor means what; no batch axis in packed tensors. */
export interface Axes {
  readonly batch: number | undefined;
  readonly head: number;
  readonly row: number;
  readonly dim: number;
}

/** [B, H, L, D] */
export const denseAxes: Axes = { batch: 0, head: 1, row: 2, dim: 3 };
const packed: Axes = { batch: undefined, head: 1, row: 0, dim: 2 };
// [pages, pageSize, Hkv, D]: the stride of a page takes the place of a batch stride.
const paged: Axes = { batch: 0, head: 2, row: 1, dim: 3 };

/** The axes of q and out; `leading` counts the axes before them (a split axis). */
export function queryAxes({ lengths }: Call, leading = 0): Axes {
  const axes = lengths === 'dense' ? denseAxes : packed;
  if (leading === 0) return axes;
  const { batch, head, row, dim } = axes;
  return {
    batch: batch === undefined ? undefined : batch + leading,
    head: head + leading,
    row: row + leading,
    dim: dim + leading,
  };
}

/** The axes of k and v. */
export function keyAxes({ keys, lengths }: Call): Axes {
  if (keys === 'paged') return paged;
  return lengths === 'dense' ? denseAxes : packed;
}

/** Where a tensor lies behind its binding, in elements. */
export interface Strides {
  readonly offset: number;
  readonly batch: number;
  readonly head: number;
  readonly row: number;
  readonly dim: number;
}

/** Offset and strides of one tensor, by meaning. */
export function stridesOf(
  { shape, strides }: Tensor,
  { elementOffset }: BoundTensor,
  axes: Axes,
): Strides {
  return {
    offset: elementOffset,
    batch: strideOf(shape, strides, axes.batch),
    head: strideOf(shape, strides, axes.head),
    row: strideOf(shape, strides, axes.row),
    dim: strideOf(shape, strides, axes.dim),
  };
}

// A batch of 1 serves every batch entry.
function strideOf(
  shape: readonly number[],
  strides: readonly number[],
  axis: number | undefined,
): number {
  return axis === undefined || shape[axis] === 1 ? 0 : strides[axis]!;
}

/** The same of an lse, [B, H, L] or [H, T], behind `leading` axes; zeros where none is wanted. */
export function lseStrides(
  { lengths }: Call,
  lse: Tensor | undefined,
  bound: BoundTensor | undefined,
  leading: number,
): Omit<Strides, 'dim'> & { readonly split: number } {
  if (!lse) return noLse;
  const strides = lse.strides.slice(leading);
  const [batch, head, row] = lengths === 'dense' ? strides : [0, ...strides];
  return {
    offset: bound?.elementOffset ?? 0,
    batch: batch!,
    head: head!,
    row: row!,
    split: leading ? lse.strides[0]! : 0,
  };
}

const noLse = { offset: 0, batch: 0, head: 0, row: 0, split: 0 };
