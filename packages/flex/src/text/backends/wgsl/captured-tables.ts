import type { DType } from '@heed/core';
import { wgsl } from '@heed/core/kernel';
import { INFINITE } from '../../ir/evaluate-operation.ts';
import { elementType, type TableSlot } from '../../ir/expression-node.ts';
import { f32Literal } from './expression-text.ts';
import { type FieldList, NO_SUMMARY } from './hook-fields.ts';

const axesOf = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis);

const parameters = (rank: number): string[] => axesOf(rank).map((axis) => `i${axis}: i32`);

/** Indices out of range clamp, so a dimension of 1 is broadcast. */
const clamped = (fields: FieldList, slot: TableSlot, axis: number, index: string): string =>
  `u32(clamp(${index}, 0, ${fields.read({ kind: 'last', slot, axis })}))`;

/** Declares the function that reads an element. */
export function readFunction(name: string, fields: FieldList, slot: TableSlot): string {
  const terms = axesOf(slot.rank).map(
    (axis) =>
      ` + ${clamped(fields, slot, axis, `i${axis}`)} * ${fields.read({ kind: 'stride', slot, axis })}`,
  );
  return wgsl`
    fn ${name}(${parameters(slot.rank).join(', ')}) -> ${elementType(slot)} {
      let at = ${fields.read({ kind: 'offset', slot })}${terms.join('')};
      ${decode(slot.dtype)}
    }
  `;
}

// Infinities, and NaN, which counts as −∞, are handled as bits only: WGSL may assume that neither occurs.
const infinity = f32Literal(INFINITE);

/** Returns element `at` of the words `captures`, from its bits. */
export function decode(dtype: DType): string {
  if (dtype === 'i32' || dtype === 'u32') return 'return bitcast<i32>(captures[at]);';
  if (dtype !== 'f16') {
    return wgsl`
      let bits = ${dtype === 'f32' ? 'captures[at]' : '(captures[at / 2u] >> (at % 2u * 16u)) << 16u'};
      let infinite = select(-${infinity}, ${infinity}, bits == 0x7f800000u);
      return select(bitcast<f32>(bits), infinite, (bits & 0x7fffffffu) >= 0x7f800000u);
    `;
  }
  return wgsl`
    let bits = (captures[at / 2u] >> (at % 2u * 16u)) & 0xffffu;
    let infinite = select(-${infinity}, ${infinity}, bits == 0x7c00u);
    return select(unpack2x16float(bits).x, infinite, (bits & 0x7fffu) >= 0x7c00u);
  `;
}

/** The number of elements along an axis that one entry of a summary covers. */
export const SUMMARY_BLOCK = 32;

/**
 * A summary of a table along one axis: for every index along the other axes (row-major) and every block of {@link
 * SUMMARY_BLOCK} elements, two words with the least and the largest element as a mod reads them, in i32 or f32 bits.
 */
interface SummaryShape {
  /** The number of indices along the other axes. */
  readonly rows: number;
  readonly blocks: number;
  readonly words: number;
}

export function summaryShape(shape: readonly number[], axis: number): SummaryShape {
  const rows = shape.reduce((count, size, i) => (i === axis ? count : count * size), 1);
  const blocks = Math.ceil(shape[axis]! / SUMMARY_BLOCK);
  return { rows, blocks, words: rows * blocks * 2 };
}

/** At most this many elements are read themselves where a summary's entries would cover more. */
const FEW = 8;

/**
 * Declares the function that returns bounds of the elements with `i<axis>` ≤ index ≤ `last`. They are exact for few elements;
 * beyond, they cover whole blocks, so they may be wider.
 * @param reader the function that reads an element
 */
export function rangeFunction(
  name: string,
  reader: string,
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
  const axes = axesOf(slot.rank);
  const others = axes.filter((i) => i !== axis);
  const index = (i: number): string => `u32(clamp(i${i}, 0, ${last(i)}))`;
  const indices = axes.map((i) => (i === axis ? 'i32(i)' : `i${i}`));
  const row = others.reduce(
    (text, i) => (text === '' ? index(i) : `(${text}) * u32(${last(i)} + 1) + ${index(i)}`),
    '',
  );
  const step = `(u32(${last(axis)}) / ${SUMMARY_BLOCK}u + 1u) * 2u`;
  return wgsl`
    fn ${name}(${axes.map((i) => `i${i}: i32`).join(', ')}, last: i32) -> vec2<${type}> {
      let first = ${index(axis)};
      let end = u32(clamp(last, 0, ${last(axis)}));
      var low: ${type} = ${largest};
      var high: ${type} = ${least};
      if (end < first + ${FEW}u) {
        for (var i = first; i <= end; i++) {
          let x = ${reader}(${indices.join(', ')});
          low = min(low, x);
          high = max(high, x);
        }
        return vec2<${type}>(low, high);
      }
      if (${offset} == 0x${NO_SUMMARY.toString(16)}u) {
        return vec2<${type}>(${least}, ${largest});
      }
      ${row && `let row = ${row};`}
      let entries = ${offset}${row && ` + row * ${step}`};
      for (var block = first / ${SUMMARY_BLOCK}u; block <= end / ${SUMMARY_BLOCK}u; block++) {
        low = min(low, bitcast<${type}>(captures[entries + block * 2u]));
        high = max(high, bitcast<${type}>(captures[entries + block * 2u + 1u]));
      }
      return vec2<${type}>(low, high);
    }
  `;
}
