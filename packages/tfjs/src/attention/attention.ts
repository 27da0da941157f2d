import type { Tensor as HeedTensor } from '@heed/core';
import { attention as heedAttention, attentionVjp } from '@heed/kernels-wgsl';
import type { Tensor } from '@tensorflow/tfjs-core';
import { activeBackend } from '../device/backend.ts';
import { gpuOf } from '../device/open.ts';
import { runOperation } from './differentiable.ts';
import { qkv } from './flex-attention.ts';
import { heedOptions, operandsOf, type Options } from './operands.ts';
import type { AttentionOptions } from './options.ts';

const fn = 'attention';

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
export function attention(q: Tensor, k: Tensor, v: Tensor, options: AttentionOptions = {}): Tensor {
  const backend = activeBackend(fn);
  const gpu = gpuOf(fn, backend);
  const given = options as Options;
  const operands = operandsOf(fn, [q, k, v], given);
  const differentiable = [...operands].filter(([, { dtype }]) => dtype === 'float32');
  return runOperation({
    fn,
    gpu,
    backend,
    operands,
    inputs: differentiable.map(([name]) => name),
    forward: (views, out) => {
      heedAttention(...qkv(views), { ...heedOptions(given, views), out });
    },
    vjp: (views, out) => {
      const result = attentionVjp(...qkv(views), { ...heedOptions(given, views), out });
      return {
        ...(result.lse && { lse: result.lse }),
        backward: (dOut) => named(result.backward(dOut)),
      };
    },
  });
}

type Gradients = ReturnType<ReturnType<typeof attentionVjp>['backward']>;

function named({ dq, dk, dv, dSinks, dAlibiSlopes }: Gradients): Map<string, HeedTensor> {
  const all = { q: dq, k: dk, v: dv, sinks: dSinks, alibiSlopes: dAlibiSlopes };
  return new Map(Object.entries(all).flatMap(([name, x]) => (x ? [[name, x] as const] : [])));
}
