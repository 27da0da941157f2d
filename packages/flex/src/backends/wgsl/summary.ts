import { wgsl } from '@heed/core/kernel';
import { elementType, type TableSlot } from '../../ir/slot.ts';
import type { FieldList } from './fields.ts';
import { INFINITE } from '../../ir/infinity.ts';
import { f32Literal } from './literal.ts';

/** Elements of an axis that one entry of a summary stands for. */
export const SUMMARY_BLOCK = 32;

/** The offset that says: there is no summary, so nothing is known of the table's values. */
export const NO_SUMMARY = 0xffffffff;

/**
 * A summary of a table along one axis: for every place along the other axes (row-major) and every block of
 * {@link SUMMARY_BLOCK} elements, two words with the least and the largest element as they are read, in i32 or f32 bits.
 */
export interface SummaryShape {
  /** Places along the other axes. */
  readonly rows: number;
  readonly blocks: number;
  readonly words: number;
}

export function summaryShape(shape: readonly number[], axis: number): SummaryShape {
  const rows = shape.reduce((count, size, i) => (i === axis ? count : count * size), 1);
  const blocks = Math.ceil(shape[axis]! / SUMMARY_BLOCK);
  return { rows, blocks, words: rows * blocks * 2 };
}

/** Declares the function that gives bounds of the elements with `i<axis>` ≤ index ≤ `last`, wider where blocks overlap. */
export function rangeFunction(
  name: string,
  fields: FieldList,
  slot: TableSlot,
  axis: number,
): string {
  const type = elementType(slot);
  const [least, largest] =
    type === 'i32'
      ? ['-2147483648', '2147483647']
      : [`-${f32Literal(INFINITE)}`, f32Literal(INFINITE)];
  const last = (i: number): string => fields.read({ kind: 'last', slot, axis: i });
  const offset = fields.read({ kind: 'summary', slot, axis });
  const axes = Array.from({ length: slot.rank }, (_, i) => i);
  const others = axes.filter((i) => i !== axis);
  const index = (i: number): string => `u32(clamp(i${i}, 0, ${last(i)}))`;
  const row = others.reduce(
    (text, i) => (text === '' ? index(i) : `(${text}) * u32(${last(i)} + 1) + ${index(i)}`),
    '',
  );
  const step = `(u32(${last(axis)}) / ${SUMMARY_BLOCK}u + 1u) * 2u`;
  return wgsl`
    fn ${name}(${axes.map((i) => `i${i}: i32`).join(', ')}, last: i32) -> vec2<${type}> {
      if (${offset} == 0x${NO_SUMMARY.toString(16)}u) {
        return vec2<${type}>(${least}, ${largest});
      }
      ${row && `let row = ${row};`}
      let entries = ${offset}${row && ` + row * ${step}`};
      let end = u32(clamp(last, 0, ${last(axis)})) / ${SUMMARY_BLOCK}u;
      var low: ${type} = ${largest};
      var high: ${type} = ${least};
      for (var block = ${index(axis)} / ${SUMMARY_BLOCK}u; block <= end; block++) {
        low = min(low, bitcast<${type}>(captures[entries + block * 2u]));
        high = max(high, bitcast<${type}>(captures[entries + block * 2u + 1u]));
      }
      return vec2<${type}>(low, high);
    }
  `;
}
