import type { DType, PagedKvView, Tensor } from '@heed/core';
import { runCall } from '../run/call.ts';
import type { AttentionResult, VarlenOptions, ViewOptions } from './options.ts';
import { packedCall } from './view-call.ts';

/**
 * Exact attention over sequences packed one behind the other, without padding.
 * Semantics follow torch.nn.attention.varlen and flash-attention; lengths given as Int32Array are fully checked.
 *
 * @param q [Tq, Hq, Dqk]; sequence b owns rows cuSeqlensQ[b] to cuSeqlensQ[b + 1] − 1. Rows after the last are 0 in out.
 * @param k [Tk, Hkv, Dqk], or with a blockTable [pages, pageSize, Hkv, Dqk]; with `format` int8 or int4 u32 rows of words, see
 *   {@link VarlenLayout}
 * @param v as k, with Dv
 * @returns out [Tq, Hq, Dv] in the dtype of q; lse [Hq, Tq]
 * @throws as {@link attention}
 * @example
 * const cuSeqlensQ = Int32Array.of(0, 5, 12); // two documents, of 5 and 7 tokens
 * const { out } = varlenAttention(q, k, v, { cuSeqlensQ, causal: true });
 */
export function varlenAttention<D extends DType, Lse extends boolean = false>(
  q: Tensor<D>,
  k: Tensor,
  v: Tensor,
  options: VarlenOptions<Lse>,
): AttentionResult<D, Lse>;
/**
 * Over a snapshot of a paged cache. The view brings `cuSeqlensQ`, the rows of the last append, unless one is given, and the window
 * and sink tokens of its cache: a wider `window` is a ValidationError, a narrower one hides the sink tokens too. It does not bring
 * `causal`.
 */
export function varlenAttention<D extends DType, Lse extends boolean = false>(
  q: Tensor<D>,
  view: PagedKvView,
  options?: ViewOptions<Lse>,
): AttentionResult<D, Lse>;
export function varlenAttention(
  q: Tensor,
  k: Tensor | PagedKvView,
  v?: Tensor | ViewOptions,
  options?: VarlenOptions,
): AttentionResult {
  return runCall(packedCall('varlenAttention', q, k, v, options));
}
