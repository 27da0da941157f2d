import { ValidationError } from '@heed/core';
import { fromHalf, toHalf } from '@heed/core/kernel';
import type { TableSlot } from '../../ir/slot.ts';
import { finite } from '../../ir/infinity.ts';

/** A table on the CPU. */
export interface NestedArray {
  readonly length: number;
  readonly [i: number]: number | NestedArray;
}

/** The element at the indices, which clamp, as the GPU would read it from a tensor of the slot's dtype. */
export function readTable(
  slot: TableSlot,
  table: NestedArray | number,
  indices: readonly number[],
): number {
  let at: number | NestedArray = table;
  for (const index of indices) {
    if (typeof at !== 'object') break;
    at = at[Math.min(Math.max(index, 0), at.length - 1)]!;
  }
  if (typeof at === 'number') return convert(slot, at);
  throw new ValidationError(
    `compileMod: on the CPU a captured tensor is a nested array of ${slot.rank} dimensions; got another for ${slot.name}. Pass captures: { ${slot.name}: [...] }.`,
  );
}

function convert({ dtype }: TableSlot, value: number): number {
  if (dtype === 'i32' || dtype === 'u32') return value | 0;
  const element = dtype === 'f16' ? fromHalf(toHalf(value)) : Math.fround(value);
  return finite(Number.isNaN(element) ? -Infinity : element);
}
