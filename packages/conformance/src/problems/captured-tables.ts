import type { DType, Tensor } from '@heed/core';
import type { Table } from '@heed/flex';
import type { Random } from '../reference/seeded-random.ts';
import { toStorage } from '../reference/number-types.ts';
import { filled, generate, type NdArray, sizeOf, permuted } from '../reference/nd-array.ts';
import type { Scope } from './case-tensors.ts';

/**
 * How a captured table lies in memory, with the same logical contents: row-major, with its axes in reverse order (handed
 * over by `permute`), or as a slice out of the middle of every axis of a larger tensor.
 */
export type TablePlacement = 'contiguous' | 'reversed' | 'middle';

/** A captured table on the host. */
export interface HostTable {
  readonly values: NdArray;
  readonly dtype: DType;
  readonly placement?: TablePlacement;
}

/** A table of some shape, its values from the flat index, as its dtype holds them. */
export function table(
  shape: readonly number[],
  dtype: DType,
  value: (flat: number) => number,
  placement?: TablePlacement,
): HostTable {
  const store = (x: number): number =>
    dtype === 'f32' || dtype === 'f16' ? toStorage(x, dtype) : Math.trunc(x);
  const values = generate(shape, (flat) => store(value(flat)));
  return { values, dtype, ...(placement && { placement }) };
}

/** A table of normally distributed values. */
export function normalTable(
  shape: readonly number[],
  source: Random,
  dtype: 'f32' | 'f16' = 'f32',
): HostTable {
  return table(shape, dtype, () => source.normal());
}

/** The same table, lying differently. */
export function placed(host: HostTable, placement: TablePlacement): HostTable {
  return { ...host, placement };
}

/** The table on the GPU, freed with the scope. What lies around a slice would spoil every result. */
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
      const frame = framed(values, dtype === 'f32' || dtype === 'f16' ? 1e4 : 1e6);
      return values.shape.reduce(
        (view, n, axis) => view.slice(axis, before, before + n),
        make(frame),
      );
    }
  }
}

// Odd, so that a half in a slice need not begin a word.
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
 * The table as a plain function reads it: nested arrays whose indices clamp, as the contract says, and in which NaN
 * reads as −∞.
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

/** Not of an array or a plain object: a copy of those, as `bind` makes, would not clamp. */
function clamping(elements: readonly unknown[]): unknown {
  return new Proxy(Object.create({}) as object, {
    get: (_, key) => elements[Math.min(Math.max(Number(key), 0), elements.length - 1)],
  });
}
