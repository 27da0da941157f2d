import type { DType, PagedKvView, Tensor } from '@heed/core';

/** An integer list from the host, which can be checked, or from the GPU, which kernels clamp instead. */
export type Lengths = Int32Array | Tensor;

/** As they may be given: 64-bit lists, which tokenizers and ONNX have, are narrowed when the options are read. */
export type GivenLengths = Lengths | BigInt64Array;

/**
 * What varies in an attention. Order of application: q·k·scale → softcap → ALiBi → masks → softmax → sinks.
 */
export interface AttentionOptions<Lse extends boolean = boolean> {
  /** Default 1/√Dqk. */
  readonly scale?: number;
  /** Row i sees keys j ≤ i + off; for `off` see `align`. */
  readonly causal?: boolean;
  /** Keys from i + off − left to i + off + right, inclusive; −1 is unbounded. Combines with `causal`. */
  readonly window?: readonly [left: number, right: number];
  /** Which corner the diagonal is tied to: 'end' (default) has off = Lk − Lq, as in flash-attention since 2.1; 'start' has off = 0. */
  readonly align?: 'start' | 'end';
  /** cap·tanh(s/cap), after scale, before bias and mask; above 0. */
  readonly softcap?: number;
  /** f32 [Hq] or [B, Hq]: adds −slope·|i + off − j|. */
  readonly alibiSlopes?: Tensor;
  /** f32 [Hq]: an extra logit in each row's denominator, with no value; −∞ is none. */
  readonly sinks?: Tensor;
  /** i32 [B]: only the first seqUsedK[b] keys take part; what lies beyond may hold anything. */
  readonly seqUsedK?: GivenLengths;
  /** Also return the log-sum-exp. */
  readonly returnLse?: Lse;
  /** Written and returned; its buffer may hold no input. */
  readonly out?: Tensor;
  /** Keys are split over this many workgroups and merged. Default 'auto'; a fixed number makes results batch-invariant bit for bit. */
  readonly numSplits?: number | 'auto';
}

/** Where the sequences of packed tensors begin and end. */
export interface VarlenLayout {
  /** i32 [N + 1]: first 0, ascending, at most Tq. */
  readonly cuSeqlensQ: GivenLengths;
  /** i32 [N + 1]; default `cuSeqlensQ`; not used with `blockTable`. */
  readonly cuSeqlensK?: GivenLengths;
  /** Accepted for the record: nothing depends on it. */
  readonly maxSeqlenQ?: number;
  /** With lengths on the GPU and `numSplits: 'auto'`, how many splits are worth while. Never needed, never trusted. */
  readonly maxSeqlenK?: number;
  /** i32 [N]: only the first seqUsedK[b] keys of slot b take part. */
  readonly seqUsedK?: GivenLengths;
  /** i32 [N, maxPages]: logical to physical page. Needs `seqUsedK`; entries past the used length are ignored. */
  readonly blockTable?: GivenLengths;
  /**
   * As in PagedKvView: 'int8' and 'int4' for quantised pages, with `headDim` and `headDimV`. k and v are then u32
   * `[pages, pageSize, Hkv, 1 + words]`: a row is the bits of an f32 scale, and two's complement integers, 4 or 8 to a word,
   * low part first. An element is scale · integer; attention is exact for those.
   *
   * Written with scale = largest magnitude of a row / 127 (int8) or / 7 (int4), an element is off by half a step at most, 1/254 or
   * 1/14 of that magnitude; a score then by at most ε = scale · ‖q‖₁ · half a step of its k, and out by half a step of v and
   * (exp(2ε) − 1) · max|v|. Where q, k and v are normally distributed (D 64, hundreds of keys), out is off by up to 2 % (int8) or 30 %
   * (int4) of its largest magnitude; int4 wants data that was made for it.
   */
  readonly format?: PagedKvView['format'];
  readonly headDim?: number;
  readonly headDimV?: number;
}

/** Options of `varlenAttention`: those of `attention`, and where the sequences lie in packed or paged memory. */
export type VarlenOptions<Lse extends boolean = boolean> = AttentionOptions<Lse> & VarlenLayout;

/** Options over a PagedKvView, which brings its keys, its lengths and, unless they are given, its query rows. */
export type ViewOptions<Lse extends boolean = boolean> = AttentionOptions<Lse> &
  Partial<VarlenLayout>;

/** What an attention gives; dispatched when the call returns, and read by `out.read()`. `lse` is there iff `returnLse` is true. */
export type AttentionResult<D extends DType = DType, Lse extends boolean = boolean> = {
  /** [B, Hq, Lq, Dv] or [Tq, Hq, Dv], in the dtype of q. */
  readonly out: Tensor<D>;
} & ([Lse] extends [true] ? WithLse : [Lse] extends [false] ? {} : Partial<WithLse>);

interface WithLse {
  /** f32 [B, Hq, Lq] or [Hq, Tq], natural log, −∞ for a row that sees no key. */
  readonly lse: Tensor<'f32'>;
}
