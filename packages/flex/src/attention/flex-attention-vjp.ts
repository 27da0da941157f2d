import type { PagedKvView, Tensor } from '@heed/core';
import type { AttentionResult, Differentiable, Gradients } from '@heed/kernels-wgsl';
import { differentiable } from '@heed/kernels-wgsl/variant';
import type { Captures } from '../compile/types.ts';
import { flexCall } from './flex-call.ts';
import type { AnyFlexOptions, FlexOptions } from './options.ts';

/**
 * `flexAttention`, and its gradient: by q, k and v through whatever the score mod does, branches included. A pair that a mod
 * or a mask hides has gradient 0.
 *
 * @returns out and lse, and `backward(dOut, dLse?)`, which may be called more than once while q, k, v, out and lse are undisposed
 * @throws as flexAttention
 * @example
 * const { out, backward } = flexAttentionVjp(q, k, v, { scoreMod: (score, b, h, q, kv) => score * score });
 * const { dq, dk, dv } = backward(dOut);
 */
export function flexAttentionVjp<C extends Captures = {}>(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: FlexOptions<C>,
): AttentionResult & Differentiable<Gradients>;
export function flexAttentionVjp<C extends Captures = {}>(
  q: Tensor,
  view: PagedKvView,
  options: FlexOptions<C>,
): AttentionResult & Differentiable<Gradients>;
export function flexAttentionVjp(
  q: Tensor,
  k: Tensor | PagedKvView,
  v: Tensor | object,
  options?: object,
): AttentionResult & Differentiable<Gradients> {
  const [values, given] = options === undefined ? [undefined, v] : [v, options];
  const call = flexCall(
    'flexAttentionVjp',
    q,
    k,
    values as Tensor | undefined,
    given as AnyFlexOptions,
  );
  return differentiable(call);
}
