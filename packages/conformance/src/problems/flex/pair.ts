import type { Tensor } from '@heed/core';
import type { Captures, MaskMod, ScoreMod } from '@heed/flex';
import type {
  Problem,
  ReferenceMaskMod,
  ReferenceOptions,
  ReferenceScoreMod,
} from '../../reference/problem.ts';
import { type HostTable, nestedTable } from './tables.ts';

/** The mods of one call and what they capture. */
export interface Mods<C extends Captures = Captures> {
  readonly scoreMod?: ScoreMod<C>;
  readonly maskMod?: MaskMod<C>;
  readonly captures?: C;
  /** The absolute error that WGSL allows the functions of the scoreMod, where it is more than rounding. */
  readonly scoreError?: number;
}

/** Mods with any captures. */
export interface AnyMods extends Omit<Mods<never>, 'captures'> {
  readonly captures?: Captures;
}

/**
 * Mods to be run twice: fused into the kernel, with tables on the GPU, and as the plain functions that they are, with
 * tables as nested arrays. What is given turns a table into the one or the other.
 */
export type Pair = (given: (host: HostTable) => Tensor) => AnyMods;

/** Mods as a pair's result; the parameters of the functions get their types from the captures. */
export function mods<C extends Captures>(given: Mods<C>): AnyMods {
  return given;
}

/** A problem whose reference calls the pair's plain functions. */
export interface FlexProblem extends Problem {
  readonly pair: Pair;
  /** The options without the pair's functions. */
  readonly plainOptions: ReferenceOptions;
  readonly scoreError: number;
}

export function withMods(problem: Problem, pair: Pair): FlexProblem {
  const plain = pair((host) => nestedTable(host) as never);
  const options: ReferenceOptions = { ...problem.options, ...plainMods(plain) };
  const { scoreError = 0 } = plain;
  return { ...problem, options, plainOptions: problem.options, pair, scoreError };
}

type AnyFunction = (...args: unknown[]) => unknown;

function plainMods(plain: AnyMods): Pick<ReferenceOptions, 'scoreMod' | 'maskMod'> {
  const { scoreMod, maskMod, captures = {} } = plain;
  const score: ReferenceScoreMod = (s, b, h, q, kv, info) =>
    (scoreMod as unknown as AnyFunction)(s, b, h, q, kv, captures, info) as number;
  const mask: ReferenceMaskMod = (b, h, q, kv, info) =>
    (maskMod as unknown as AnyFunction)(b, h, q, kv, captures, info) as boolean;
  return { ...(scoreMod && { scoreMod: score }), ...(maskMod && { maskMod: mask }) };
}
