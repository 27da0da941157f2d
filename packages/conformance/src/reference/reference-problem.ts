import type { NdArray } from './nd-array.ts';
import type { QuantFormat } from './stored-rows.ts';

/** What a mod may ask about the sequence it works on: lengths, and rows of the packed or physical tensors. */
export interface SequenceInfo {
  readonly qLen: number;
  readonly kvLen: number;
  readonly qRow: number;
  readonly kvRow: number;
}

/** Changes one score; `h` is the query head, `q` the logical position i + off. −Infinity masks the pair. */
export type ReferenceScoreMod = (
  score: number,
  b: number,
  h: number,
  q: number,
  kv: number,
  info: SequenceInfo,
) => number;

/** Says whether a pair takes part. */
export type ReferenceMaskMod = (
  b: number,
  h: number,
  q: number,
  kv: number,
  info: SequenceInfo,
) => boolean;

/** The options of attention, with host arrays where the kernels take tensors. */
export interface ReferenceOptions {
  readonly scale?: number;
  readonly causal?: boolean;
  readonly window?: readonly [left: number, right: number];
  readonly align?: 'start' | 'end';
  readonly softcap?: number;
  /** [Hq] or [B, Hq]. */
  readonly alibiSlopes?: NdArray;
  /** [Hq]. */
  readonly sinks?: NdArray;
  readonly scoreMod?: ReferenceScoreMod;
  readonly maskMod?: ReferenceMaskMod;
}

/** Sequence lengths and page ids, with the names and meaning of the kernels' options. */
export interface Lengths {
  readonly cuSeqlensQ?: Int32Array;
  readonly cuSeqlensK?: Int32Array;
  readonly seqUsedK?: Int32Array;
  /** [N, maxPages], flat. */
  readonly blockTable?: Int32Array;
}

/**
 * One attention problem on the host. Dense when q has rank 4 ([B, H, L, D]), else packed ([T, H, D]);
 * paged when `blockTable` is given (k and v are then [pages, pageSize, Hkv, D]).
 */
export interface Problem extends Lengths {
  readonly q: NdArray;
  readonly k: NdArray;
  readonly v: NdArray;
  /** k and v are what quantised pages of this format hold. */
  readonly format?: QuantFormat;
  readonly options: ReferenceOptions;
}

/** out has q's shape with Dv last; lse is [B, Hq, Lq] or [Hq, Tq], natural log. */
export interface AttentionState {
  readonly out: NdArray;
  readonly lse: NdArray;
}
