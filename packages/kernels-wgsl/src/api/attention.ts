import type { DType, PagedKvView, Tensor } from '@heed/core';
import { readOptions } from '@heed/core/kernel';
import type {
  AttentionOptions,
  AttentionResult,
  VarlenOptions,
  ViewOptions,
} from '../host/attention-options.ts';
import { runCall } from '../host/forward-pass.ts';
import { attentionNames, meantDense } from './attention-names.ts';
import { denseCall } from './dense-call.ts';
import {
  attentionDifferentiable,
  type AttentionGradients,
  type Differentiable,
} from './differentiable.ts';
import { packedCall } from './view-call.ts';

/**
 * Exact attention over dense tensors: softmax(scale·q·kᵀ)·v with the variations of {@link AttentionOptions}.
 *
 * @param q [B, Hq, Lq, Dqk], f32, f16 or bf16, any strides (pass `x.permute([0, 2, 1, 3])` for [B, L, H, D] memory)
 * @param k [B or 1, Hkv, Lk, Dqk]; Hq is a multiple of Hkv, query head h uses kv head floor(h / (Hq / Hkv))
 * @param v [B or 1, Hkv, Lk, Dv]; may be `k.slice(-1, 0, Dv)`, whose memory decoding then reads once, with the same results
 * @returns out [B, Hq, Lq, Dv] in the dtype of q. A row that sees no key is 0, and its lse −∞ (or its sink).
 * @throws ValidationError a shape, dtype or option that does not fit
 * @throws UnsupportedError a feature that this device lacks
 * @throws LimitError a tensor larger than one binding
 * @throws DisposedError @throws DeviceLostError
 * @example
 * const { out, lse } = attention(q, k, v, { causal: true, returnLse: true });
 */
export function attention<D extends DType, Lse extends boolean = false>(
  q: Tensor<D>,
  k: Tensor,
  v: Tensor,
  options?: AttentionOptions<Lse>,
): AttentionResult<D, Lse> {
  const fn = 'attention';
  const given = readOptions<AttentionOptions>(fn, options, attentionNames, meantDense);
  return runCall(denseCall(fn, q, k, v, given)) as AttentionResult<D, Lse>;
}

/**
 * Computes `attention` and its gradient (FlashAttention-2: the weights are recomputed tile by tile, so memory stays O(L)).
 * dk and dv sum over the query heads of a group, and over the batch where k and v have batch 1. Deterministic: no float
 * atomics. Rows that see no key, and keys beyond a used length, have gradient 0.
 *
 * @returns out and lse as `attention` returns them (lse always; key splits are merged with more digits), and
 *   `backward(dOut, dLse?)`, which may be called more than once while q, k, v, out and lse are undisposed. dq, dk and dv have the
 *   dtype of their inputs, dSinks, dAlibiSlopes, dScale and dSoftcap are f32. dk is the gradient through the scores, dv through the values, also where v
 *   is a slice of k: the gradient of that memory is dk with dv added to its first Dv columns.
 * @throws as {@link attention}; backward throws ValidationError for gradients that do not fit
 * @example
 * const { out, backward } = attentionVjp(q, k, v, { causal: true });
 * const { dq, dk, dv } = backward(dOut);
 */
export function attentionVjp<D extends DType>(
  q: Tensor<D>,
  k: Tensor,
  v: Tensor,
  options?: AttentionOptions,
): AttentionResult<D, true> & Differentiable<AttentionGradients> {
  const fn = 'attentionVjp';
  const given = readOptions(fn, options, attentionNames, meantDense);
  return attentionDifferentiable<D>(denseCall(fn, q, k, v, given));
}

/**
 * Exact attention over packed sequences, without padding.
 * Semantics follow torch.nn.attention.varlen and flash-attention; lengths given as Int32Array are fully checked.
 *
 * @param q [Tq, Hq, Dqk]; sequence b owns rows cuSeqlensQ[b] to cuSeqlensQ[b + 1] − 1. Rows after the last are 0 in out.
 * @param k [Tk, Hkv, Dqk], or with a blockTable [pages, pageSize, Hkv, Dqk]; with `format` 'int8' or 'int4', rows of u32 words
 *   (see {@link VarlenLayout})
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
 * Attention over a snapshot of a paged cache. `cuSeqlensQ` defaults to the view's, the rows of the last append. The window and
 * sink tokens of the cache apply: a wider `window` is a ValidationError, a narrower one hides the sink tokens too. The view does
 * not set `causal`.
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

/**
 * Computes `varlenAttention` and its gradient; see {@link attentionVjp}. Rows outside every sequence, and keys that no sequence
 * uses, have gradient 0. Gradients of paged keys have the pool's shape; the gradient of a page that several `blockTable` entries
 * name is their sum, added in ascending order. Quantised pages are not differentiable: an UnsupportedError.
 *
 * @example
 * const { backward } = varlenAttentionVjp(q, k, v, { cuSeqlensQ: Int32Array.of(0, 5, 12) });
 * const { dq, dk, dv } = backward(dOut);
 */
export function varlenAttentionVjp<D extends DType>(
  q: Tensor<D>,
  k: Tensor,
  v: Tensor,
  options: VarlenOptions,
): AttentionResult<D, true> & Differentiable<AttentionGradients>;
export function varlenAttentionVjp<D extends DType>(
  q: Tensor<D>,
  view: PagedKvView,
  options?: ViewOptions,
): AttentionResult<D, true> & Differentiable<AttentionGradients>;
export function varlenAttentionVjp(
  q: Tensor,
  k: Tensor | PagedKvView,
  v?: Tensor | ViewOptions,
  options?: VarlenOptions,
): AttentionResult<DType, true> & Differentiable<AttentionGradients> {
  return attentionDifferentiable(packedCall('varlenAttentionVjp', q, k, v, options));
}
