import type { Tensor } from '@heed/core';

/** Values that a mod reads, by name: numbers and booleans become uniforms, tensors tables, functions are inlined. */
export type Captures = Record<string, Tensor | number | boolean | Function>;

/** A captured tensor inside a mod: `c.bias[h][q]`. On the CPU it is a nested array. */
export type Table = number & { readonly [i: number]: Table };

/** The captures inside a mod: tensors are tables there. */
export type Captured<C> = { [K in keyof C]: C[K] extends Tensor ? Table : C[K] };

/** Lengths of the pair's sequence, and the rows of the packed (or physical paged) tensors that the pair lies in. */
export interface SeqInfo {
  readonly qLen: number;
  readonly kvLen: number;
  readonly qRow: number;
  readonly kvRow: number;
}

/**
 * Changes the score of a pair. `q` is the logical position of the query, `kv` the position of the key.
 *
 * @example
 * const distance: ScoreMod = (score, b, h, q, kv) => score + (q - kv);
 */
export type ScoreMod<C = {}> = (
  score: number,
  b: number,
  h: number,
  q: number,
  kv: number,
  c: Captured<C>,
  info: SeqInfo,
) => number;

/**
 * Says whether a query sees a key.
 *
 * @example
 * const causal: MaskMod = (b, h, q, kv) => q >= kv;
 */
export type MaskMod<C = {}> = (
  b: number,
  h: number,
  q: number,
  kv: number,
  c: Captured<C>,
  info: SeqInfo,
) => boolean;

/** A score mod or mask with any captures. */
export type AnyMod = ScoreMod<never> | MaskMod<never>;

/** The captures of several mods together. */
export type AllOf<Cs extends readonly unknown[]> = Cs extends readonly [infer C, ...infer Rest]
  ? C & AllOf<Rest>
  : {};

/** Requires `captures` where the type of a mod names any: captures that a mod reads must be given. */
export type NeedsCaptures<C> = [C] extends [never]
  ? unknown // of any captures
  : {} extends C
    ? unknown
    : { readonly captures: C };
