import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import type { FloatType, KeyKind, LengthKind } from '../config/forward.ts';
import type { KeyType } from '../config/key-type.ts';
import type { BoundHook } from '../hooks/bound.ts';
import type { AttentionOptions } from './options.ts';

/** Lengths and tables of a call, as given. */
export interface CallLengths {
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
