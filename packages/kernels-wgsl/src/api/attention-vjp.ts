import type { Tensor } from '@heed/core';
import { denseCall } from './dense-call.ts';
import type { AttentionOptions, AttentionResult } from './options.ts';
import { attentionDifferentiable, type AttentionGradients, type Differentiable } from './vjp.ts';

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
): AttentionResult & Differentiable<AttentionGradients> {
  return attentionDifferentiable(denseCall('attentionVjp', q, k, v, options));
}
