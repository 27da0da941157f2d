import type { DType, PagedKvView, Tensor } from '@heed/core';
import type { AttentionResult, VarlenOptions, ViewOptions } from './options.ts';
import { packedCall } from './view-call.ts';
import { attentionDifferentiable, type AttentionGradients, type Differentiable } from './vjp.ts';

/**
 * `varlenAttention`, and its gradient; see {@link attentionVjp}. Rows outside every sequence, and keys that none uses, have
 * gradient 0. Gradients of paged keys have the pool's shape; a page that several table entries name gets their sum, in
 * ascending order. Quantised pages have none: an UnsupportedError.
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
