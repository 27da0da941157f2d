import type { DType, Tensor } from '@heed/core';
import { extent, filled, type NdArray, sameKind, sizeOf, unravel } from '../reference/nd-array.ts';
import type { Scope } from './scope.ts';

/**
 * How a tensor lies in memory, with the same logical contents:
 * - 'contiguous': row-major.
 * - 'swapped': axes 1 and 2 exchanged in memory ([B, L, H, D] for a dense tensor), handed over by `permute`.
 * - 'padded-rows': rows of D + 4, so that vector loads still fit.
 * - 'odd-rows': rows of D + 3 starting at element 1, so that no vector load fits.
 * - 'offset': contiguous rows that start at an odd element of a larger buffer.
 * - 'middle': a slice out of the middle of every axis.
 * Memory around the view holds NaN.
 */
export type Placement = 'contiguous' | 'swapped' | 'padded-rows' | 'odd-rows' | 'offset' | 'middle';

/** Uploads an array in the wanted placement and gives the view of it. */
export function place(scope: Scope, array: NdArray, dtype: DType, placement: Placement): Tensor {
  const last = array.shape.length - 1;
  const margins = (before: number, after: number): [number, number][] =>
    array.shape.map((_, axis) => (axis === last ? [before, after] : [0, 0]));
  switch (placement) {
    case 'contiguous':
      return plain(scope, array, dtype);
    case 'swapped': {
      const axes = array.shape.map((_, axis) => (axis === 1 ? 2 : axis === 2 ? 1 : axis));
      return array.shape.length < 4
        ? plain(scope, array, dtype)
        : plain(scope, permuted(array, axes), dtype).permute(axes);
    }
    case 'padded-rows':
      return framed(scope, array, dtype, margins(0, 4));
    case 'odd-rows':
      return framed(scope, array, dtype, margins(1, 2));
    case 'offset':
      return shifted(scope, array, dtype, 3);
    case 'middle':
      return framed(
        scope,
        array,
        dtype,
        array.shape.map((_, axis) => (axis === last ? [4, 4] : [1, 2])),
      );
  }
}

function plain(scope: Scope, array: NdArray, dtype: DType): Tensor {
  return scope.own(
    scope.gpu.tensor(array.data, { shape: [...array.shape], dtype, label: 'conformance' }),
  );
}

// In words, the bits of a NaN: a row's scale, for one.
const notANumber = (dtype: DType): number => (dtype === 'u32' ? 0x7fc00000 : NaN);

/** Embeds the array in a larger one, `[before, after]` elements wider along each axis, and slices it out. */
function framed(
  scope: Scope,
  array: NdArray,
  dtype: DType,
  margins: readonly (readonly [number, number])[],
): Tensor {
  const shape = array.shape.map(
    (n, axis) => n + (margins[axis]?.[0] ?? 0) + (margins[axis]?.[1] ?? 0),
  );
  const frame = filled(shape, notANumber(dtype));
  array.data.forEach((x, flat) => {
    const index = unravel(flat, array.shape).map((i, axis) => i + (margins[axis]?.[0] ?? 0));
    frame.data[ravel(index, shape)] = x;
  });
  return array.shape.reduce(
    (view, n, axis) => {
      const [before, after] = margins[axis] ?? [0, 0];
      return before + after === 0 ? view : view.slice(axis, before, before + n);
    },
    plain(scope, frame, dtype),
  );
}

function shifted(scope: Scope, array: NdArray, dtype: DType, by: number): Tensor {
  const data = sameKind(array, array.data.length + by + 1).fill(notANumber(dtype));
  data.set(array.data, by);
  const line = plain(scope, { shape: [data.length], data }, dtype);
  return line.slice(0, by, by + array.data.length).reshape([...array.shape]);
}

/** The array with its axes in a new order: result axis n is source axis `axes[n]`. */
export function permuted(array: NdArray, axes: readonly number[]): NdArray {
  const shape = axes.map((axis) => extent(array, axis));
  const data = sameKind(array, sizeOf(shape));
  array.data.forEach((x, flat) => {
    const index = unravel(flat, array.shape);
    data[
      ravel(
        axes.map((axis) => index[axis] as number),
        shape,
      )
    ] = x;
  });
  return { shape, data };
}

function ravel(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((flat, i, axis) => flat * (shape[axis] as number) + i, 0);
}
