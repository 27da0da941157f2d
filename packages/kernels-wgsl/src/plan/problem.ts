import type { DType } from '@heed/core';
import type { Call } from '../api/call.ts';
import type { FloatType } from '../config/forward.ts';
import { isQuantised, type KeyType } from '../config/key-type.ts';
import { alibi } from '../hooks/alibi.ts';
import { band } from '../hooks/band.ts';
import type { BoundHook } from '../hooks/bound.ts';
import { type Hook, type VariantHooks, variantHooks } from '../hooks/contract.ts';
import { softcap } from '../hooks/softcap.ts';

/**
 * What a plan is made for: everything that selects a kernel. Lengths, scale, softcap, window and causal values, slopes and
 * sinks are data of a run, so none of them needs another plan; shapes matter only through their head dims, the head
 * ratio, and, with `numSplits: 'auto'`, their sizes.
 */
export interface AttentionProblem {
  readonly layout: 'dense' | 'varlen' | 'paged';
  /** Of q and out; default 'f32'. */
  readonly dtype?: FloatType;
  /** Of k and v; default `dtype`. Quantised pages have a `format` in its place. */
  readonly kvDtype?: FloatType;
  /** [B, Hq, Lq, Dqk], or packed [Tq, Hq, Dqk]. */
  readonly q: readonly number[];
  /**
   * [B, Hkv, Lk, Dqk], packed [Tk, Hkv, Dqk], or paged [pages, pageSize, Hkv, Dqk]; of quantised pages the shape of the u32
   * tensor.
   */
  readonly k: readonly number[];
  /** As k, with Dv; default the shape of k. */
  readonly v?: readonly number[];
  /** As in VarlenLayout: quantised pages need all three. A run need not repeat them. */
  readonly format?: KeyType;
  readonly headDim?: number;
  readonly headDimV?: number;
  /** Sequences of a packed batch, for the split heuristic; default 1. */
  readonly sequences?: number;
  readonly softcap?: boolean;
  readonly alibi?: boolean;
  /** With `backward`: sinks have a gradient of their own to be warmed up. */
  readonly sinks?: boolean;
  /** Accepted for the record: no kernel depends on these. */
  readonly causal?: boolean;
  readonly window?: boolean;
  readonly returnLse?: boolean;
  readonly seqUsedK?: boolean;
  readonly numSplits?: number | 'auto';
  /** Whether a run is to have a gradient, as `attentionVjp` has; default false. */
  readonly backward?: boolean;
}

/** A problem in the terms that selection uses. */
export interface ProblemFacts extends Pick<
  Call,
  'dtype' | 'kvDtype' | 'headDim' | 'headDimV' | 'lengths' | 'keys' | 'qHeads' | 'kvHeads'
> {
  readonly batch: number;
  readonly seqlenQ: number;
  /** Of a sequence. */
  readonly seqlenK: number;
  readonly hooks: VariantHooks;
  readonly numSplits: number | 'auto';
}

/** The problem of a call. */
export function factsOfCall(call: Call): ProblemFacts {
  return {
    dtype: call.dtype,
    kvDtype: call.kvDtype,
    headDim: call.headDim,
    headDimV: call.headDimV,
    lengths: call.lengths,
    keys: call.keys,
    qHeads: call.qHeads,
    kvHeads: call.kvHeads,
    batch: call.batch,
    seqlenQ: call.seqlenQ,
    seqlenK: call.maxSeqlenK,
    hooks: variantOf(call.hooks),
    numSplits: call.options.numSplits ?? 'auto',
  };
}

// Most calls have one hook, and it is always the same.
const single = new WeakMap<Hook, VariantHooks>();

function variantOf(bound: readonly BoundHook[]): VariantHooks {
  if (bound.length !== 1) return variantHooks(bound.map(({ hook }) => hook));
  const { hook } = bound[0]!;
  let variant = single.get(hook);
  if (!variant) single.set(hook, (variant = variantHooks([hook])));
  return variant;
}

/** The problem as written by a caller of planAttention. */
export function factsOfProblem(
  p: AttentionProblem,
  hooks: VariantHooks = problemHooks(p),
): ProblemFacts {
  const dense = p.layout === 'dense';
  const paged = p.layout === 'paged';
  const v = p.v ?? p.k;
  return {
    dtype: p.dtype ?? 'f32',
    kvDtype: keyType(p),
    headDim: p.q.at(-1)!,
    headDimV: p.headDimV ?? v.at(-1)!,
    lengths: dense ? 'dense' : 'varlen',
    keys: paged ? 'paged' : 'strided',
    qHeads: p.q[1]!,
    kvHeads: p.k[paged ? 2 : 1]!,
    batch: dense ? p.q[0]! : (p.sequences ?? 1),
    seqlenQ: p.q[dense ? 2 : 0]!,
    seqlenK: dense ? p.k[2]! : shareOf(p) * (paged ? p.k[1]! : 1),
    hooks,
    numSplits: p.numSplits ?? 'auto',
  };
}

/** Pages or packed rows of a sequence, if all have the same. */
function shareOf({ k, sequences = 1 }: AttentionProblem): number {
  return Math.ceil(k[0]! / Math.max(sequences, 1));
}

function keyType({ format, kvDtype, dtype }: AttentionProblem): KeyType {
  return format ?? kvDtype ?? dtype ?? 'f32';
}

/** The dtype of the tensors k and v. */
export function keyDtype(p: AttentionProblem): DType {
  const type = keyType(p);
  return isQuantised(type) ? 'u32' : type;
}

/** The hooks that the problem's options stand for. */
export function problemHooks(p: AttentionProblem): VariantHooks {
  const scores = [p.softcap && softcap, p.alibi && alibi];
  return variantHooks([...scores.filter((hook) => typeof hook === 'object'), band]);
}
