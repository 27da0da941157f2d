import type { FloatType } from './forward.ts';

/**
 * Rows of packed integers: word 0 is the bits of an f32 scale, then come two's complement integers, low part of a word first,
 * the last word filled up with zeros. An element is scale · integer.
 */
export type QuantType = 'int8' | 'int4';

/** Storage of k and v. */
export type KeyType = FloatType | QuantType;

/** Elements in a word. */
export const perWord: Readonly<Record<QuantType, number>> = { int8: 4, int4: 8 };

export function isQuantised(type: KeyType): type is QuantType {
  return type === 'int8' || type === 'int4';
}

/** Words of a row of `dim` elements, its scale included. */
export function rowWords(type: QuantType, dim: number): number {
  return 1 + Math.ceil(dim / perWord[type]);
}
