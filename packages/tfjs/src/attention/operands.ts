import type { Gpu, Tensor as HeedTensor } from '@heed/core';
import { Tensor } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { checkTfTensor } from '../tensors/check.ts';
import { wrapTensor } from '../tensors/wrap.ts';

/** The tensors of a call by the places they stand at: 'q', 'sinks', 'captures.bias'. */
export type Operands = ReadonlyMap<string, Tensor>;

export type Options = Readonly<Record<string, unknown>>;

/**
 * The tensors of TensorFlow.js in a call.
 * @throws ValidationError q, k or v is no tensor, or a tensor was disposed
 */
export function operandsOf(
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

/** The options with heed's view of each tensor in place of it. */
export function heedOptions(options: Options, views: ReadonlyMap<string, HeedTensor>): object {
  const viewed = (prefix: string, values: Options): object =>
    Object.fromEntries(
      Object.entries(values).map(([name, x]) => [name, views.get(`${prefix}${name}`) ?? x]),
    );
  const captures = viewed('captures.', capturesOf(options));
  return { ...viewed('', options), ...('captures' in options && { captures }) };
}

/** heed's view of each. What it uploads, TensorFlow.js has yet to submit. */
export function viewOperands(
  fn: string,
  gpu: Gpu,
  backend: WebGPUBackend,
  operands: Operands,
): Map<string, HeedTensor> {
  const views = [...operands].map(
    ([name, x]) => [name, wrapTensor(fn, gpu, backend, name, x)] as const,
  );
  return new Map(views);
}

function capturesOf({ captures }: Options): Options {
  return typeof captures === 'object' && captures !== null ? (captures as Options) : {};
}
