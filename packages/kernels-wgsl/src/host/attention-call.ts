import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import type { ProblemFacts } from '../select/problem-facts.ts';
import { type Hook, type VariantHooks, variantHooks } from '../text/parts/hook.ts';
import type { FloatType, KeyKind, KeyType, LengthKind } from '../text/parts/kinds.ts';
import type { AttentionOptions } from './attention-options.ts';
import type { BoundHook } from './options/attention-option.ts';

/** Lengths and tables of a call, as given. */
interface CallLengths {
  readonly cuQ?: Int32Array | Tensor;
  readonly cuK?: Int32Array | Tensor;
  readonly used?: Int32Array | Tensor;
  /** [N, maxPages] */
  readonly table?: Int32Array | Tensor;
}

/** One checked attention call: the same facts whatever the layout it came in. */
export interface Call {
  /** The public function, for messages. */
  readonly fn: string;
  readonly gpu: Gpu;
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly dtype: FloatType;
  readonly kvDtype: KeyType;
  readonly headDim: number;
  readonly headDimV: number;
  readonly qHeads: number;
  readonly kvHeads: number;
  readonly lengths: LengthKind;
  readonly keys: KeyKind;
  /** B, or the number N of sequences. */
  readonly batch: number;
  /** Lq, or Tq. */
  readonly seqlenQ: number;
  /** Lk, or Tk, or what a block-table row can address. */
  readonly seqlenK: number;
  /** The most keys of a sequence, as far as the host knows, else their mean: for the number of splits, not to be trusted. */
  readonly maxSeqlenK: number;
  readonly pageSize: number;
  readonly pages: number;
  /** Entries of a block-table row. */
  readonly maxPages: number;
  readonly given: CallLengths;
  /** What makes it a variant, with its data. */
  readonly hooks: readonly BoundHook[];
  readonly options: AttentionOptions;
  /** Where keys came as one. */
  readonly view?: PagedKvView;
}

/** A call over keys of floats, which alone have gradients. */
export interface FloatCall extends Call {
  readonly kvDtype: FloatType;
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
