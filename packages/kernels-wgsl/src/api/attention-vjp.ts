import type { DType, Tensor } from '@heed/core';
import { readOptions } from '@heed/core/kernel';
import { denseCall } from './dense-call.ts';
import { meantDense } from './meant.ts';
import { attentionNames } from './option-names.ts';
import type { AttentionOptions, AttentionResult } from './options.ts';
import { attentionDifferentiable, type AttentionGradients, type Differentiable } from './vjp.ts';

/**
 * `attention`, and its gradient (FlashAttention-2: the weights are computed again, tile by tile, so that memory stays O(L)).
 * dk and dv sum over the query heads of a group, and over the batch where k and v have batch 1. Deterministic: no float meets
 * an atomic. A row that sees no key, and what lies beyond a used length, has gradient 0.
 *
 * @returns out and lse as `attention` gives them (where keys are split, merged with more digits), lse always; and `backward(dOut, dLse?)`, which may be called more than once
 *   while q, k, v, out and lse are undisposed. dq, dk and dv have the dtype of their inputs, dSinks and dAlibiSlopes are f32.
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
