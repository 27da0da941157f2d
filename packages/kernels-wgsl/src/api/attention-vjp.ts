import type { Tensor } from '@heed/core';
import type { Gradients } from '../run/backward.ts';
import { denseCall } from './dense-call.ts';
import type { AttentionOptions, AttentionResult } from './options.ts';
import { type Differentiable, differentiable } from './vjp.ts';

/**
 * `attention`, and its gradient.
 *
 * @returns out and lse as `attention` gives them (lse always), and `backward(dOut, dLse?)`, which may be called more than once
 *   while q, k, v, out and lse are undisposed
 */
export function attentionVjp(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options?: AttentionOptions,
): AttentionResult & Differentiable<Gradients> {
  return differentiable(denseCall('attentionVjp', q, k, v, options));
}
