import type { DType, PagedKvView, Tensor } from '@heed/core';
import { isTensor } from '@heed/core/kernel';
import { type CascadeOption, cascade } from './options/cascade-option.ts';
import { type AlibiSlopesOption, alibiSlopes } from './options/alibi-slopes.ts';
import {
  type AttentionOption,
  type BoundHook,
  type MakeTensor,
  checkFlag,
  checkKind,
  type OptionKind,
  type OptionContext,
  type SampledProblem,
} from './options/attention-option.ts';
import { boundDropout, dropout, type DropoutOption } from './options/dropout.ts';
import { numSplits, type NumSplitsOption } from './options/num-splits.ts';
import { out, type ResultOption, returnLse, returnMax } from './options/results.ts';
import { boundScale, scale, type ScaleOption } from './options/scale.ts';
import { type GivenLengths, seqUsedK, type SeqUsedKOption } from './options/seq-used-k.ts';
import {
  selectedBlockSize,
  selectedKeys,
  type SelectedKeysOption,
} from './options/selected-keys.ts';
import { sinks, type SinksOption } from './options/sinks.ts';
import { softcapOption, type SoftcapOption } from './options/softcap-option.ts';
import { align, type BandOption, boundBand, causal, window } from './options/visible-band.ts';

/** Options of attention. They apply in this order: q·k·scale → softcap → ALiBi → masks → softmax → sinks. */
export interface AttentionOptions<Lse extends boolean = boolean>
  extends
    ScaleOption,
    BandOption,
    SoftcapOption,
    AlibiSlopesOption,
    SinksOption,
    SeqUsedKOption,
    SelectedKeysOption,
    DropoutOption,
    ResultOption<Lse>,
    NumSplitsOption,
    CascadeOption {}

type OptionName = keyof AttentionOptions;

/** All options. Score hooks apply in this order. */
export const attentionOptions: { readonly [Name in OptionName]-?: AttentionOption } = {
  causal,
  window,
  softcap: softcapOption,
  alibiSlopes,
  scale,
  align,
  sinks,
  seqUsedK,
  selectedKeys,
  selectedBlockSize,
  dropout,
  numSplits,
  cascade,
  returnLse,
  returnMax,
  out,
};

const named = Object.entries(attentionOptions) as [OptionName, AttentionOption][];

/** Flags that say which options the runs of a problem use. */
export interface OptionFlags {
  /** Accepted for completeness, like `window`, `seqUsedK`, `returnLse` and `returnMax`: no kernel depends on it. */
  readonly causal?: boolean;
  readonly window?: boolean;
  /** Whether it is a tensor, which is another kernel; 'number' by default. */
  readonly scale?: boolean | OptionKind;
  /** true, or 'number', for a number; 'tensor' for a tensor, which is another kernel. */
  readonly softcap?: boolean | OptionKind;
  readonly alibiSlopes?: boolean;
  /** With `backward`, the kernel of the sinks' gradient is warmed up too. */
  readonly sinks?: boolean;
  readonly seqUsedK?: boolean;
  readonly dropout?: boolean;
  /**
   * Whether runs over views may read the keys that sequences share once, for all of them. `warmup` then compiles the kernels of both
   * passes, and `describe` says when they are taken, or why not.
   */
  readonly cascade?: boolean;
  readonly returnLse?: boolean;
  readonly returnMax?: boolean;
}

/** Names of the flags: the options that have a sample. */
export const flagNames: readonly (keyof OptionFlags)[] = named
  .filter(([, { sample }]) => sample)
  .map(([name]) => name as keyof OptionFlags);

/** @throws ValidationError if an option does not fit the call */
export function checkOptions(context: OptionContext, options: AttentionOptions): void {
  for (const [name, { check }] of named) {
    const value = options[name];
    if (value !== undefined) check?.(value as never, name, context);
  }
}

/** Returns the hooks of the options that variants replace by their own, in the order in which they apply. */
export function optionHooks(options: AttentionOptions): BoundHook[] {
  const hooks: BoundHook[] = [];
  for (const [name, { hook }] of named) {
    const value = options[name];
    if (hook && value !== undefined) hooks.push(hook(value as never));
  }
  return [...hooks, boundBand(options)];
}

/**
 * Returns all hooks of a call.
 * @param given hooks of a variant, in place of those made from the options
 */
export function hooksOfCall(
  options: AttentionOptions,
  given: readonly BoundHook[] = optionHooks(options),
): readonly BoundHook[] {
  const { scale: factor, dropout: dropped } = options;
  if (!isTensor(factor) && !dropped) return given;
  return [
    ...(isTensor(factor) ? [boundScale(factor)] : []),
    ...given,
    ...(dropped ? [boundDropout(dropped)] : []),
  ];
}

/** @throws ValidationError a flag that says nothing of its option */
export function checkFlags(fn: string, flags: OptionFlags): void {
  for (const name of flagNames) {
    const check = attentionOptions[name].hasKinds ? checkKind : checkFlag;
    check(fn, name, flags[name]);
  }
}

/** Returns typical values for the options that a problem uses. */
export function sampleOptions(
  flags: OptionFlags,
  problem: SampledProblem,
  make: MakeTensor,
): AttentionOptions {
  const flagged = flagNames.filter((name) => flags[name]);
  const values = flagged.map((name) => {
    const kind = flags[name] === 'tensor' ? 'tensor' : 'number';
    return [name, attentionOptions[name].sample!(problem, make, kind)] as const;
  });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined)) as AttentionOptions;
}

/** Row ranges of the sequences in packed tensors. */
export interface VarlenLayout {
  /** i32 [N + 1]: first 0, ascending, at most Tq. */
  readonly cuSeqlensQ: GivenLengths;
  /** i32 [N + 1]; default `cuSeqlensQ`; not used with `blockTable`. */
  readonly cuSeqlensK?: GivenLengths;
  /** Accepted for completeness: nothing depends on it. */
  readonly maxSeqlenQ?: number;
  /**
   * Hint for the number of splits, used with lengths on the GPU and `numSplits: 'auto'`. Optional; a wrong value changes no
   * result.
   */
  readonly maxSeqlenK?: number;
  /** i32 [N]: only the first seqUsedK[b] keys of sequence b take part. */
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
  /** Of the values, where pages store them otherwise than the keys; default `format`. Needs `blockTable`; not for gradients. */
  readonly formatV?: PagedKvView['format'];
  readonly headDim?: number;
  readonly headDimV?: number;
}

/** Options of `varlenAttention`: the options of `attention`, and the row ranges of the sequences in packed or paged memory. */
export type VarlenOptions<Lse extends boolean = boolean> = AttentionOptions<Lse> & VarlenLayout;

/** Options over a PagedKvView. The view supplies the keys, their lengths and, unless they are given, the query rows. */
export type ViewOptions<Lse extends boolean = boolean> = AttentionOptions<Lse> &
  Partial<VarlenLayout>;

/**
 * Result of attention. It is dispatched when the call returns; `out.read()` reads it. `lse` is present iff `returnLse` is
 * true.
 */
export type AttentionResult<D extends DType = DType, Lse extends boolean = boolean> = {
  /** [B, Hq, Lq, Dv] or [Tq, Hq, Dv], in the dtype of q. */
  readonly out: Tensor<D>;
  /**
   * With `returnMax`: f32 in the shape of lse, the largest score of each row's visible keys after softcap, ALiBi and mods; −∞ for a
   * row that sees no key. It shares its memory with lse, which goes back when both are disposed.
   */
  readonly max?: Tensor<'f32'>;
} & ([Lse] extends [true] ? WithLse : [Lse] extends [false] ? {} : Partial<WithLse>);

interface WithLse {
  /** f32 [B, Hq, Lq] or [Hq, Tq], natural log, −∞ for a row that sees no key. */
  readonly lse: Tensor<'f32'>;
}
