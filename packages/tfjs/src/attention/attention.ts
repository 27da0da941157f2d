import type { Tensor as HeedTensor } from '@heed/core';
import { attention as heedAttention, attentionVjp } from '@heed/kernels-wgsl';
import type { Tensor } from '@tensorflow/tfjs-core';
import { callHeed, type HeedFunction } from './heed-function.ts';
import { attentionNames, meantAttention } from './option-names.ts';
import type { AttentionOptions } from './options.ts';

/**
 * heed's attention on tensors of TensorFlow.js, as one differentiable operation: softmax(scale·q·kᵀ)·v with the variations of
 * {@link AttentionOptions}. No copy is made of q, k, v or the result. The gradient goes to q, k, v, sinks and alibiSlopes.
 *
 * @param q [B, Hq, Lq, Dqk], float32
 * @param k [B or 1, Hkv, Lk, Dqk]; Hq is a multiple of Hkv
 * @param v [B or 1, Hkv, Lk, Dv]
 * @returns [B, Hq, Lq, Dv]. A row that sees no key is 0.
 * @throws ValidationError a shape, dtype or option that does not fit, or `openTfjs()` was not called
 * @throws UnsupportedError another backend than WebGPU, or what this device cannot do
 * @throws LimitError a tensor larger than one binding
 * @throws DeviceLostError
 * @example
 * const attended = attention(q, k, v, { causal: true });
 */
export function attention(q: Tensor, k: Tensor, v: Tensor, options?: AttentionOptions): Tensor {
  return callHeed(onHeed, [q, k, v], options);
}

type Gradients = ReturnType<ReturnType<typeof attentionVjp>['backward']>;

function named({ dq, dk, dv, dSinks, dAlibiSlopes }: Gradients): Map<string, HeedTensor> {
  const all = { q: dq, k: dk, v: dv, sinks: dSinks, alibiSlopes: dAlibiSlopes };
  return new Map(Object.entries(all).flatMap(([name, x]) => (x ? [[name, x] as const] : [])));
}

const onHeed: HeedFunction<Gradients> = {
  fn: 'attention',
  names: attentionNames,
  meant: meantAttention,
  forward: heedAttention,
  vjp: attentionVjp,
  named,
};
