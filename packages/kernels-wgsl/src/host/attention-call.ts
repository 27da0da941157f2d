import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import { isColumnsOf, isTensor } from '@heed/core/kernel';
import type { ProblemFacts } from '../select/problem-facts.ts';
import { type Hook, type VariantHooks, variantHooks } from '../text/parts/hook.ts';
import type { FloatType, KeyKind, KeyType, LengthKind } from '../text/parts/kinds.ts';
import type { AttentionOptions } from './attention-options.ts';
import type { BoundHook } from './options/attention-option.ts';
import type { SelectedKeys } from './options/selected-keys.ts';

/** Lengths and block table of a call, as given. */
interface CallLengths {
  readonly cuQ?: Int32Array | Tensor;
  readonly cuK?: Int32Array | Tensor;
  readonly used?: Int32Array | Tensor;
  /** [N, maxPages] */
  readonly table?: Int32Array | Tensor;
}

/** One checked attention call. The fields are the same for every input layout. */
export interface Call {
  /** Name of the public function, for messages. */
  readonly fn: string;
  readonly gpu: Gpu;
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly dtype: FloatType;
  /** Of k, and of v unless `vDtype` says otherwise. */
  readonly kvDtype: KeyType;
  /** Of v, where it is not that of k. */
  readonly vDtype?: KeyType | undefined;
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
  /** Lk, Tk, or the number of keys that a row of the block table can address. */
  readonly seqlenK: number;
  /** Longest key length of a sequence if the host knows it, else the mean. A hint for the number of splits; it may be wrong. */
  readonly maxSeqlenK: number;
  readonly pageSize: number;
  readonly pages: number;
  /** Entries of a block-table row. */
  readonly maxPages: number;
  readonly given: CallLengths;
  /** The hooks that make it a variant, with their data. */
  readonly hooks: readonly BoundHook[];
  readonly options: AttentionOptions;
  /** The lists of selected keys, if rows see only those. */
  readonly selected?: SelectedKeys | undefined;
  /** The view, if the keys were given as one. */
  readonly view?: PagedKvView;
}

/** A call whose keys are floats. Only such calls have gradients. */
export interface FloatCall extends Call {
  readonly kvDtype: FloatType;
}

/** Returns the tensors that a call reads. */
export function tensorsRead({ q, k, v, given, options, hooks, selected }: Call): Tensor[] {
  const tables = hooks.flatMap((bound) => [...bound.tables, bound.blocks]);
  return [q, k, v, ...Object.values(given), ...tables, options.sinks, selected?.list].filter(
    isTensor,
  );
}

/** Returns the facts of a call that select its kernel. */
export function factsOfCall(call: Call, keepsStates = false): ProblemFacts {
  const { selected } = call;
  return {
    dtype: call.dtype,
    kvDtype: call.kvDtype,
    vDtype: call.vDtype,
    headDim: call.headDim,
    headDimV: call.headDimV,
    lengths: call.lengths,
    keys: call.keys,
    qHeads: call.qHeads,
    kvHeads: call.kvHeads,
    batch: call.batch,
    seqlenQ: call.seqlenQ,
    maxSeqlenK: selected ? selected.entries * selected.blockSize : call.maxSeqlenK,
    selectedBlock: selected?.blockSize ?? 0,
    listRows: selected?.rows,
    hooks: variantOf(call.hooks),
    numSplits: call.options.numSplits ?? 'auto',
    sharedKv: isColumnsOf(call.v, call.k),
    keepsStates,
    cascade: undefined,
    prefixSums: 0,
  };
}

// Most calls have exactly one hook, the band, and it is always the same object.
const single = new WeakMap<Hook, VariantHooks>();

function variantOf(bound: readonly BoundHook[]): VariantHooks {
  if (bound.length !== 1) return variantHooks(bound.map(({ hook }) => hook));
  const { hook } = bound[0]!;
  let variant = single.get(hook);
  if (!variant) single.set(hook, (variant = variantHooks([hook])));
  return variant;
}
