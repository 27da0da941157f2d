import type { Tensor as HeedTensor } from '@heed/core';
import { type Meant, type OptionNames, readOptions } from '@heed/core/kernel';
import type { AttentionResult } from '@heed/kernels-wgsl';
import { Tensor } from '@tensorflow/tfjs-core';
import { activeBackend, gpuOf } from '../device/open-tfjs.ts';
import { checkTfTensor } from '../tensors/shared-memory.ts';
import { type Operands, runOperation, type Views } from './tape-operation.ts';

type Arguments = [q: HeedTensor, k: HeedTensor, v: HeedTensor, options: object];

/** One of heed's attention functions, in its plain form and in the form that returns gradients. */
export interface HeedFunction {
  readonly fn: string;
  /** The options that it takes from users of TensorFlow.js. */
  readonly names: OptionNames;
  readonly meant: Meant;
  readonly forward: (...args: Arguments) => AttentionResult;
  readonly vjp: (...args: Arguments) => AttentionResult & { backward(dOut: HeedTensor): Gradients };
}

/** Gradients of either function. */
interface Gradients {
  readonly dq: HeedTensor;
  readonly dk: HeedTensor;
  readonly dv: HeedTensor;
  readonly dSinks?: HeedTensor;
  readonly dAlibiSlopes?: HeedTensor;
  readonly dScale?: HeedTensor;
  readonly dSoftcap?: HeedTensor;
  readonly dCaptures?: Readonly<Record<string, HeedTensor>>;
}

/** Returns the gradients by operand. */
function byOperand({
  dq: q,
  dk: k,
  dv: v,
  dSinks: sinks,
  dAlibiSlopes: alibiSlopes,
  dScale: scale,
  dSoftcap: softcap,
  dCaptures = {},
}: Gradients): Map<string, HeedTensor> {
  const captures = Object.entries(dCaptures).map(([name, x]) => [`captures.${name}`, x] as const);
  const all = [...Object.entries({ q, k, v, sinks, alibiSlopes, scale, softcap }), ...captures];
  return new Map(all.flatMap(([name, x]) => (x ? [[name, x] as const] : [])));
}

/** Calls one of heed's functions on tensors of TensorFlow.js, as one differentiable operation. */
export function callHeed(
  { fn, names, meant, forward, vjp }: HeedFunction,
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
      return { ...(lse && { lse }), backward: (dOut) => byOperand(backward(dOut)) };
    },
  });
}

/** Returns false for the captures that `grads` leaves out. */
function hasGradient(name: string, { grads }: Options): boolean {
  const capture = name.startsWith('captures.') ? name.slice('captures.'.length) : undefined;
  return capture === undefined || !Array.isArray(grads) || grads.includes(capture);
}

type Options = Readonly<Record<string, unknown>>;

/**
 * Returns the tensors of TensorFlow.js in a call, named as in {@link Operands}.
 * @throws ValidationError q, k or v is not a tensor, or a tensor was disposed
 */
function operandsOf(
  fn: string,
  [q, k, v]: readonly [Tensor, Tensor, Tensor],
  options: Options,
): Operands {
  const named = [
    ...Object.entries(options),
    ...Object.entries(capturesOf(options)).map(([name, x]) => [`captures.${name}`, x] as const),
  ].filter(([, x]) => x instanceof Tensor);
  const all = [['q', q], ['k', k], ['v', v], ...named] as const;
  return new Map(all.map(([name, x]) => [name, checkTfTensor(fn, name, x)]));
}

/** Returns the options with heed's views in place of the tensors. */
function heedOptions(options: Options, views: ReadonlyMap<string, HeedTensor>): object {
  const viewed = (prefix: string, values: Options): object =>
    Object.fromEntries(
      Object.entries(values).map(([name, x]) => [name, views.get(`${prefix}${name}`) ?? x]),
    );
  const captures = viewed('captures.', capturesOf(options));
  return { ...viewed('', options), ...('captures' in options && { captures }) };
}

function capturesOf({ captures }: Options): Options {
  return typeof captures === 'object' && captures !== null ? (captures as Options) : {};
}
