import type { DType, Tensor } from '@heed/core';
import type { Table } from '@heed/flex';
import { filled, generate, type NdArray, permuted, sizeOf } from '../reference/nd-array.ts';
import { type FloatDType, isFloat, toStorage } from '../reference/number-types.ts';
import type { Random } from '../reference/pseudo-random.ts';
import type { Scope } from './case-tensors.ts';

/**
 * The memory layout of a captured table: row-major, with its axes in reverse order (passed through `permute`), or a slice from the
 * middle of every axis of a larger tensor. The logical contents are the same.
 */
export type TablePlacement = 'contiguous' | 'reversed' | 'middle';

/** A captured table on the host. */
export interface HostTable {
  readonly values: NdArray;
  readonly dtype: DType;
  readonly placement?: TablePlacement;
}

/** Builds a table with elements `value(flatIndex)`, rounded to its dtype. */
export function table(
  shape: readonly number[],
  dtype: DType,
  value: (flat: number) => number,
  placement?: TablePlacement,
): HostTable {
  const store = (x: number): number => (isFloat(dtype) ? toStorage(x, dtype) : Math.trunc(x));
  const values = generate(shape, (flat) => store(value(flat)));
  return { values, dtype, ...(placement && { placement }) };
}

/** Builds a table of normally distributed values. */
export function normalTable(
  shape: readonly number[],
  source: Random,
  dtype: FloatDType = 'f32',
): HostTable {
  return table(shape, dtype, () => source.normal());
}

/** Returns the same table with another memory layout. */
export function placed(host: HostTable, placement: TablePlacement): HostTable {
  return { ...host, placement };
}

/** Uploads a table; the scope frees it. The memory around a slice holds numbers that would spoil any result. */
export function uploadTable(
  scope: Scope,
  { values, dtype, placement = 'contiguous' }: HostTable,
): Tensor {
  const make = ({ data, shape }: NdArray): Tensor =>
    scope.own(scope.gpu.tensor(data, { shape: [...shape], dtype, label: 'captured table' }));
  const axes = values.shape.map((_, axis) => axis).toReversed();
  switch (placement) {
    case 'contiguous':
      return make(values);
    case 'reversed':
      return make(permuted(values, axes)).permute(axes);
    case 'middle': {
      const frame = framed(values, isFloat(dtype) ? 1e4 : 1e6);
      return values.shape.reduce(
        (view, n, axis) => view.slice(axis, before, before + n),
        make(frame),
      );
    }
  }
}

// Odd, so that the first half of a slice is not aligned to a word.
const [before, after] = [1, 2];

function framed({ shape, data }: NdArray, filler: number): NdArray {
  const frame = filled(
    shape.map((n) => before + n + after),
    filler,
  );
  const strides = shape.map((_, axis) => sizeOf(frame.shape.slice(axis + 1)));
  data.forEach((x, flat) => {
    let rest = flat;
    let to = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const n = shape[axis] as number;
      to += ((rest % n) + before) * (strides[axis] as number);
      rest = Math.floor(rest / n);
    }
    frame.data[to] = x;
  });
  return frame;
}

/**
 * Returns the table as a plain function reads it: nested arrays with clamped indices, in which NaN reads as −∞.
 */
export function nestedTable({ values }: HostTable): Table {
  const level = (axis: number, first: number): unknown => {
    const n = values.shape[axis];
    if (n === undefined) {
      const element = values.data[first] as number;
      return Number.isNaN(element) ? -Infinity : element;
    }
    const step = sizeOf(values.shape.slice(axis + 1));
    return clamping(Array.from({ length: n }, (_, i) => level(axis + 1, first + i * step)));
  };
  return level(0, 0) as Table;
}

/** Returns elements whose indices clamp. It is a proxy of no array or plain object: `bind` copies those, and a copy would not clamp. */
function clamping(elements: readonly unknown[]): unknown {
  return new Proxy(Object.create({}) as object, {
    get: (_, key) => elements[Math.min(Math.max(Number(key), 0), elements.length - 1)],
  });
}
