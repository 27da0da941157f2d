import type { Tensor } from '../text/gpu.ts';
import type { PageFormat } from './page-format.ts';

/**
 * A snapshot of paged key and value memory for one layer and a list of sequences.
 * Key j of sequence b is row `j mod pageSize` of page `blockTable[b][floor(j / pageSize)]`.
 */
export interface PagedKvView {
  /** [pages, pageSize, Hkv, headDim]; for int8 and int4 a u32 pool of packed rows. */
  readonly k: Tensor;
  /** [pages, pageSize, Hkv, headDimV]; for int8 and int4 a u32 pool of packed rows. */
  readonly v: Tensor;
  /** [N, maxPages] i32: logical to physical page. Entries past the used length are ignored. */
  readonly blockTable: Tensor;
  /** [N] i32: keys in use per sequence. */
  readonly seqUsedK: Tensor;
  /** [N + 1] i32: the query rows of each sequence, packed, as the last append brought them. A call's own `cuSeqlensQ` takes precedence. */
  readonly cuSeqlensQ?: Tensor;
  /** Largest entry of `seqUsedK`, as a number on the host. */
  readonly maxSeqlenK: number;
  /** Rows per page. */
  readonly pageSize: number;
  /** Of keys; also of values, without `formatV`. */
  readonly format: PageFormat;
  /** Of values, where they are stored otherwise than keys. */
  readonly formatV?: PageFormat;
  readonly headDim: number;
  readonly headDimV: number;
  /** Keys more than this before a query may have been released. Attention over the view never sees them, whatever its mask. */
  readonly window?: number;
  /** With a window: number of first keys of a sequence that are never released. */
  readonly sinkTokens?: number;
  /** v is the first `headDimV` columns of k, in k's memory. Gradients with respect to the values are then part of dk. */
  readonly sharedKv?: boolean;
  /** Which sequences begin with the same pages, as the cache found it. Opaque: attention reads those keys once where that pays. */
  readonly cascade?: unknown;
}

/** True for keys that come as a view of pages, not as a tensor. */
export function isPagedView(k: Tensor | PagedKvView): k is PagedKvView {
  return typeof k === 'object' && k !== null && 'blockTable' in k;
}
