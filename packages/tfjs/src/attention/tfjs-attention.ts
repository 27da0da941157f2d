import { flexAttention as heedFlexAttention, flexAttentionVjp } from '@heed/flex';
import { attention as heedAttention, attentionVjp } from '@heed/kernels-wgsl';
import type { Tensor } from '@tensorflow/tfjs-core';
import { callHeed, type HeedFunction } from './heed-function.ts';
import {
  attentionNames,
  type AttentionOptions,
  type Captures,
  flexNames,
  type FlexOptions,
  meantAttention,
  meantFlex,
} from './tfjs-options.ts';

/**
 * Computes heed's attention on tensors of TensorFlow.js, as one differentiable operation: softmax(scale·q·kᵀ)·v with the
 * variations of {@link AttentionOptions}. q, k, v and the result are not copied. q, k, v, sinks and alibiSlopes have gradients.
 *
 * @param q [B, Hq, Lq, Dqk], float32
 * @param k [B or 1, Hkv, Lk, Dqk]; Hq is a multiple of Hkv
 * @param v [B or 1, Hkv, Lk, Dv]
 * @returns [B, Hq, Lq, Dv]. A row that sees no key is 0.
 * @throws ValidationError a shape, dtype or option that does not fit, or `openTfjs()` was not called
 * @throws UnsupportedError another backend than WebGPU, or a feature that this device lacks
 * @throws LimitError a tensor larger than one binding
 * @throws DeviceLostError
 * @example
 * const attended = attention(q, k, v, { causal: true });
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options?: AttentionOptions): Tensor {
  return callHeed(attentionOnHeed, [q, k, v], options);
}

const attentionOnHeed: HeedFunction = {
  fn: 'attention',
  names: attentionNames,
  meant: meantAttention,
  forward: heedAttention,
  vjp: attentionVjp,
};

/**
 * Computes heed's flexAttention on tensors of TensorFlow.js: exact attention with your own score and mask functions, fused into
 * the kernel, as one differentiable operation. q, k, v and the result are not copied.
 *
 * q, k, v, sinks and the float tensors among the captures have gradients. There is no second derivative.
 *
 * @param q [B, Hq, Lq, Dqk], or packed [Tq, Hq, Dqk] with `cuSeqlensQ`; float32
 * @param k [B or 1, Hkv, Lk, Dqk], packed [Tk, Hkv, Dqk], or with a blockTable [pages, pageSize, Hkv, Dqk]
 * @param v as k, with Dv
 * @returns as q, with Dv. A row that sees no key is 0.
 * @throws CompileError a mod outside the language: the message shows the place in its source and the remedy
 * @throws ValidationError a shape, dtype, option or capture that does not fit, or `openTfjs()` was not called
 * @throws UnsupportedError another backend than WebGPU, or a feature that this device lacks
 * @throws LimitError a tensor larger than one binding
 * @throws DeviceLostError
 * @example
 * const distance = { scoreMod: (score, b, h, q, kv) => score + (q - kv) };
 * const dq = tf.grad((x) => flexAttention(x, k, v, distance).sum())(q);
 */
export function flexAttention<C extends Captures = {}>(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: FlexOptions<C>,
): Tensor {
  return callHeed(flexOnHeed, [q, k, v], options);
}

const flexOnHeed: HeedFunction = {
  fn: 'flexAttention',
  names: flexNames,
  meant: meantFlex,
  forward: heedFlexAttention,
  vjp: flexAttentionVjp,
};
