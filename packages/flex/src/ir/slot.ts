import type { DType } from '@heed/core';

/** A captured number or boolean: a field of the uniform block. */
export interface ScalarSlot {
  readonly kind: 'scalar';
  /** Its place among the scalars that the compiled function uses, in order of first use. */
  readonly index: number;
  /** Its place among the scalars of a call's captures. */
  readonly capture: number;
  readonly name: string;
  readonly type: 'i32' | 'f32' | 'bool';
}

/** A captured tensor; elements of u32 tensors read as i32. */
export interface TableSlot {
  readonly kind: 'table';
  /** As in {@link ScalarSlot}, among the distinct tensors. */
  readonly index: number;
  readonly capture: number;
  readonly name: string;
  readonly dtype: DType;
  readonly rank: number;
}

export type Slot = ScalarSlot | TableSlot;

/** What an element of the table is inside a mod. */
export function elementType({ dtype }: TableSlot): 'i32' | 'f32' {
  return dtype === 'f32' || dtype === 'f16' ? 'f32' : 'i32';
}
