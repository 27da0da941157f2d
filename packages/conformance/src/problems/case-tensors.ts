import type { DType, Gpu, Tensor } from '@heed/core';
import { type Check, holds } from '../budget/output-checks.ts';
import {
  filled,
  type NdArray,
  permuted,
  ravel,
  sameKind,
  sizeOf,
  unravel,
} from '../reference/nd-array.ts';
import type { FloatDType } from '../reference/number-types.ts';
import { recordOutput } from './output-hashes.ts';

interface Owned {
  dispose(): void;
}

/** Owns the GPU objects of one case and frees them together, last first. */
export class Scope {
  readonly gpu: Gpu;
  readonly #owned: Owned[] = [];

  constructor(gpu: Gpu) {
    this.gpu = gpu;
  }

  own<T extends Owned>(object: T): T {
    this.#owned.push(object);
    return object;
  }

  dispose(): void {
    for (const object of this.#owned.splice(0).toReversed()) object.dispose();
  }
}

/** Uploads a host array; the scope frees the tensor. */
export function uploadArray(
  scope: Scope,
  array: NdArray,
  dtype: DType,
  label = 'conformance',
): Tensor {
  return scope.own(scope.gpu.tensor(array.data, { shape: [...array.shape], dtype, label }));
}

/** Reads a float tensor back as a host array, and records its hash under `name` in the report of the case. */
export async function download(tensor: Tensor, name = 'out'): Promise<NdArray> {
  const data = await tensor.read();
  if (!(data instanceof Float32Array))
    throw new Error(`download: ${tensor.label} is ${tensor.dtype}`);
  recordOutput(tensor.gpu, name, data);
  return { shape: [...tensor.shape], data };
}

/**
 * The memory layout of a tensor; the logical contents are the same:
 * - 'contiguous': row-major.
 * - 'swapped': axes 1 and 2 exchanged in memory ([B, L, H, D] for a dense tensor), passed through `permute`.
 * - 'reversed': axes in reverse order in memory, so that neighbours along the last axis are far apart.
 * - 'padded-rows': rows of D + 4, which keeps vector loads possible.
 * - 'odd-rows': rows of D + 3 starting at element 1, which rules out vector loads.
 * - 'offset': contiguous rows that start at an odd element of a larger buffer.
 * - 'middle': a slice out of the middle of every axis.
 * Memory around the view holds NaN.
 */
export type Placement =
  | 'contiguous'
  | 'swapped'
  | 'reversed'
  | 'padded-rows'
  | 'odd-rows'
  | 'offset'
  | 'middle';

/** Uploads an array in the given memory layout; the scope frees it. */
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
    case 'reversed': {
      const axes = array.shape.map((_, axis) => axis).toReversed();
      return plain(scope, permuted(array, axes), dtype).permute(axes);
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

// In words, the bits of NaN: one of the words may be a scale.
// No integer is out of place in every list; 2 is a key of most sequences.
const notANumber = (dtype: DType): number =>
  dtype === 'i32' ? 2 : dtype === 'u32' ? 0x7fc00000 : NaN;

/** Embeds the array in one that is `[before, after]` elements wider along each axis, and slices it out. */
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

const sentinel = -24.5;

/** A destination inside a larger tensor, and a check that nothing around it was written. */
interface Guarded {
  readonly out: Tensor;
  readonly untouched: () => Promise<Check>;
}

/** Margins of a guarded destination: rows of axis 0 and elements of the last axis, before and after. */
export interface Margins {
  readonly rows?: readonly [before: number, after: number];
  readonly columns?: readonly [before: number, after: number];
}

/** Allocates a destination with sentinels around it in the same buffer. */
export function guardedOut(
  scope: Scope,
  shape: readonly number[],
  dtype: FloatDType,
  margins: Margins = {},
): Guarded {
  const { rows = [3, 3], columns = [0, 0] } = margins;
  const last = shape.length - 1;
  const margin = (axis: number): readonly [number, number] => [
    (axis === 0 ? rows[0] : 0) + (axis === last ? columns[0] : 0),
    (axis === 0 ? rows[1] : 0) + (axis === last ? columns[1] : 0),
  ];
  const outer = shape.map((n, axis) => margin(axis)[0] + n + margin(axis)[1]);
  const frame = uploadArray(scope, filled(outer, sentinel), dtype, 'guarded out');
  const out = [0, last].reduce(
    (view, axis) => view.slice(axis, margin(axis)[0], margin(axis)[0] + (shape[axis] ?? 0)),
    frame,
  );
  const inside = (index: readonly number[]): boolean =>
    index.every((i, axis) => i >= margin(axis)[0] && i < margin(axis)[0] + (shape[axis] ?? 0));
  return {
    out,
    async untouched(): Promise<Check> {
      const { data } = await download(frame, 'frame');
      for (let flat = 0; flat < sizeOf(outer); flat++) {
        if (data[flat] === sentinel) continue;
        const index = unravel(flat, outer);
        if (!inside(index))
          return holds(
            'memory around out',
            false,
            `[${index.join(', ')}] of [${outer.join(', ')}] is now ${data[flat]}`,
          );
      }
      return holds('memory around out', true, '');
    },
  };
}
