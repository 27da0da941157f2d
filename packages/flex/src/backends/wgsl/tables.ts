import { wgsl } from '@heed/core/kernel';
import type { DType } from '@heed/core';
import { elementType, type TableSlot } from '../../ir/slot.ts';
import type { FieldList } from './fields.ts';
import { INFINITE } from '../../ir/infinity.ts';
import { f32Literal } from './literal.ts';

const axes = (rank: number): number[] => Array.from({ length: rank }, (_, axis) => axis);

const parameters = (rank: number): string[] => axes(rank).map((axis) => `i${axis}: i32`);

/** Indices out of range clamp, so a dimension of 1 is broadcast. */
const clamped = (fields: FieldList, slot: TableSlot, axis: number, index: string): string =>
  `u32(clamp(${index}, 0, ${fields.read({ kind: 'last', slot, axis })}))`;

/** Declares the function that reads an element. */
export function readFunction(name: string, fields: FieldList, slot: TableSlot): string {
  const terms = axes(slot.rank).map(
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

// Infinities and NaN, which counts as −∞, are met as bits only: WGSL may assume that there are none.
const infinity = f32Literal(INFINITE);

/** Returns element `at` of the words `captures`, from its bits. */
export function decode(dtype: DType): string {
  if (dtype === 'i32' || dtype === 'u32') return 'return bitcast<i32>(captures[at]);';
  if (dtype === 'f32') {
    return wgsl`
      let bits = captures[at];
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
