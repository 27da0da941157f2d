import type { Tensor as HeedTensor } from '@heed/core';
import { flexAttention as heedFlexAttention, flexAttentionVjp } from '@heed/flex';
import type { Tensor } from '@tensorflow/tfjs-core';
import { callHeed, type HeedFunction } from './heed-function.ts';
import { flexNames, meantFlex } from './option-names.ts';
import type { Captures, FlexOptions } from './options.ts';

/**
 * heed's flexAttention on tensors of TensorFlow.js: exact attention with a score and mask function of yours, fused into the
 * kernel, as one differentiable operation. No copy is made of q, k, v or the result.
 *
 * The gradient goes to q, k, v, to sinks, and to the float tensors among the captures. There is no second derivative.
 *
 * @param q [B, Hq, Lq, Dqk], or packed [Tq, Hq, Dqk] with `cuSeqlensQ`; float32
 * @param k [B or 1, Hkv, Lk, Dqk], packed [Tk, Hkv, Dqk], or with a blockTable [pages, pageSize, Hkv, Dqk]
 * @param v as k, with Dv
 * @returns as q, with Dv. A row that sees no key is 0.
 * @throws CompileError a mod that is not in the language: the place in its source, and the remedy
 * @throws ValidationError a shape, dtype, option or capture that does not fit, or `openTfjs()` was not called
 * @throws UnsupportedError another backend than WebGPU, or what this device cannot do
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
  return callHeed(onHeed, [q, k, v], options);
}

type Gradients = ReturnType<ReturnType<typeof flexAttentionVjp>['backward']>;

function named({ dq, dk, dv, dSinks, dCaptures }: Gradients): Map<string, HeedTensor> {
  const captures = Object.entries(dCaptures).map(([name, x]) => [`captures.${name}`, x] as const);
  return new Map([
    ['q', dq],
    ['k', dk],
    ['v', dv],
    ...(dSinks ? [['sinks', dSinks] as const] : []),
    ...captures,
  ]);
}

const onHeed: HeedFunction<Gradients> = {
  fn: 'flexAttention',
  names: flexNames,
  meant: meantFlex,
  forward: heedFlexAttention,
  vjp: flexAttentionVjp,
  named,
};
