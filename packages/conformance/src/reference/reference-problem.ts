import type { SeqInfo } from '@heed/flex';
import type { ReferenceDropout } from './dropped-pairs.ts';
import type { NdArray } from './nd-array.ts';

/** The options of attention, with host arrays where the kernels take tensors. */
export interface ReferenceOptions {
  /** A number, or an array [] or [Hq] that has a gradient. */
  readonly scale?: number | NdArray;
  readonly causal?: boolean;
  readonly window?: readonly [left: number, right: number];
  readonly align?: 'start' | 'end';
  /** A number, or an array [] or [Hq] that has a gradient. */
  readonly softcap?: number | NdArray;
  /** [Hq] or [B, Hq]. */
  readonly alibiSlopes?: NdArray;
  /** [Hq]. */
  readonly sinks?: NdArray;
  readonly dropout?: ReferenceDropout;
  /**
   * [B or 1, heads, Lq, K], packed [Tq, heads, K], where heads is Hq, Hkv or 1: the keys j that a row sees, in its order of summation.
   * Numbers that are no key of the sequence name none.
   */
  readonly selectedKeys?: NdArray;
  /** An entry n names the keys n · size to n · size + size − 1; default size 1. */
  readonly selectedBlockSize?: number;
  /** Changes one score; `h` is the query head, `q` the logical position i + off. −Infinity masks the pair. */
  readonly scoreMod?: (
    score: number,
    b: number,
    h: number,
    q: number,
    kv: number,
    info: SeqInfo,
  ) => number;
  /** Returns whether a query sees a key. */
  readonly maskMod?: (b: number, h: number, q: number, kv: number, info: SeqInfo) => boolean;
}

/**
 * One attention problem on the host. Dense if q has rank 4 ([B, H, L, D]), else packed ([T, H, D]); paged if `blockTable` is
 * given, with k and v as [pages, pageSize, Hkv, D]. Lengths and page ids have the meaning of the kernels' options.
 */
export interface ReferenceProblem {
  readonly q: NdArray;
  readonly k: NdArray;
  readonly v: NdArray;
  /** k and v hold exactly the values that quantised pages of this format represent. */
  readonly format?: 'int8' | 'int4';
  readonly cuSeqlensQ?: Int32Array;
  readonly cuSeqlensK?: Int32Array;
  readonly seqUsedK?: Int32Array;
  /** [N, maxPages], flat. */
  readonly blockTable?: Int32Array;
  readonly options: ReferenceOptions;
}

/** The lengths and page ids of a problem. */
export type ProblemLengths = Pick<
  ReferenceProblem,
  'cuSeqlensQ' | 'cuSeqlensK' | 'seqUsedK' | 'blockTable'
>;

/**
 * Results of attention: `out` has q's shape with Dv last; `lse` is [B, Hq, Lq] or [Hq, Tq], a natural logarithm. The kernels return
 * `max` only with returnMax.
 */
export interface AttentionState {
  readonly out: NdArray;
  readonly lse: NdArray;
  /** The largest score of each row's visible keys, sinks left out, in the shape of lse; −∞ for a row without one. */
  readonly max?: NdArray;
}
