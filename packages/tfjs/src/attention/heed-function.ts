import type { Tensor as HeedTensor } from '@heed/core';
import { type Meant, type OptionNames, readOptions } from '@heed/core/kernel';
import type { AttentionResult } from '@heed/kernels-wgsl';
import type { Tensor } from '@tensorflow/tfjs-core';
import { activeBackend } from '../device/backend.ts';
import { gpuOf } from '../device/open.ts';
import { runOperation, type Views } from './differentiable.ts';
import { heedOptions, operandsOf, type Options } from './operands.ts';

type Arguments = [q: HeedTensor, k: HeedTensor, v: HeedTensor, options: object];

/** A function of heed's, and what it is with its gradient. */
export interface HeedFunction<G> {
  readonly fn: string;
  /** Its options here. */
  readonly names: OptionNames;
  readonly meant: Meant;
  readonly forward: (...args: Arguments) => AttentionResult;
  readonly vjp: (...args: Arguments) => AttentionResult & { backward(dOut: HeedTensor): G };
  /** The gradients by the operand that each is of. */
  readonly named: (gradients: G) => ReadonlyMap<string, HeedTensor>;
}

/** Runs a function of heed's on tensors of TensorFlow.js, as one differentiable operation. */
export function callHeed<G>(
  { fn, names, meant, forward, vjp, named }: HeedFunction<G>,
  tensors: readonly [q: Tensor, k: Tensor, v: Tensor],
  options: object | undefined,
): Tensor {
  const backend = activeBackend(fn);
  const gpu = gpuOf(fn, backend);
  const given: Options = readOptions<Record<string, unknown>>(fn, options as Options, names, meant);
  const { grads: _, ...plain } = given;
  const operands = operandsOf(fn, tensors, given);
  const args = (views: Views, out: HeedTensor, from: Options): Arguments => [
    views.get('q')!,
    views.get('k')!,
    views.get('v')!,
    { ...heedOptions(from, views), out },
  ];
  return runOperation({
    fn,
    gpu,
    backend,
    operands,
    inputs: [...operands].flatMap(([name, { dtype }]) =>
      dtype === 'float32' && hasGradient(name, given) ? [name] : [],
    ),
    forward: (views, out) => {
      forward(...args(views, out, plain));
    },
    vjp: (views, out) => {
      const { lse, backward } = vjp(...args(views, out, given));
      return { ...(lse && { lse }), backward: (dOut) => named(backward(dOut)) };
    },
  });
}

/** `grads` may leave out captures. */
function hasGradient(name: string, { grads }: Options): boolean {
  const capture = name.startsWith('captures.') ? name.slice('captures.'.length) : undefined;
  return capture === undefined || !Array.isArray(grads) || grads.includes(capture);
}
