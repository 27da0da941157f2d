import type { Tensor as HeedTensor } from '@heed/core';
import { flexAttention as heedFlexAttention, flexAttentionVjp } from '@heed/flex';
import type { Tensor } from '@tensorflow/tfjs-core';
import { activeBackend } from '../device/backend.ts';
import { gpuOf } from '../device/open.ts';
import { runOperation, type Views } from './differentiable.ts';
import { heedOptions, operandsOf, type Options } from './operands.ts';
import type { Captures, FlexOptions } from './options.ts';

const fn = 'flexAttention';

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
  const backend = activeBackend(fn);
  const gpu = gpuOf(fn, backend);
  const given = options as Options;
  const operands = operandsOf(fn, [q, k, v], given);
  const { grads } = options;
  const differentiable = [...operands].filter(([name, { dtype }]) => {
    if (name.startsWith('captures.') && grads && !grads.includes(name.slice(9))) return false;
    return dtype === 'float32';
  });
  return runOperation({
    fn,
    gpu,
    backend,
    operands,
    inputs: differentiable.map(([name]) => name),
    forward: (views, out) => {
      heedFlexAttention(...qkv(views), { ...heedOptions(given, views), out });
    },
    vjp: (views, out) => {
      const result = flexAttentionVjp(...qkv(views), { ...heedOptions(given, views), out });
      return {
        ...(result.lse && { lse: result.lse }),
        backward: (dOut) => named(result.backward(dOut)),
      };
    },
  });
}

/** The first three arguments of heed's functions. */
export function qkv(views: Views): [q: HeedTensor, k: HeedTensor, v: HeedTensor] {
  return [views.get('q')!, views.get('k')!, views.get('v')!];
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
