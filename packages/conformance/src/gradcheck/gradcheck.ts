import type { Tensor } from '@heed/core';
import { readOptions } from '@heed/core/kernel';
import type { Captures, FlexGradients, FlexOptions, GradOptions } from '@heed/flex';
import type { AttentionResult, Differentiable } from '@heed/kernels-wgsl';
import { gradcheckNames, inputNames } from '../option-names.ts';
import { permutation, random } from '../reference/seeded-random.ts';
import { type By, difference, randomGradients } from './differences.ts';
import { type AnyInputs, captureKey, type GradcheckInputs, readInputs } from './inputs.ts';
import { type Compared, type GradcheckReport, gradcheckReport } from './report.ts';

/** `flexAttentionVjp`, or a function called and answering like it. */
export type GradcheckFunction = (
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: FlexOptions<Captures> & GradOptions,
) => AttentionResult & Differentiable<FlexGradients>;

/** How thoroughly `gradcheck` looks. */
export interface GradcheckOptions {
  /** Largest error over the largest gradient; default 1e-3, and 1e-2 where anything is f16. */
  readonly tolerance?: number;
  /** Elements of each input to compare, drawn by the seed; default 32. Each one costs two attentions on the CPU. */
  readonly elements?: number;
  /** Step of the central differences, in float64; default 1e-5. */
  readonly step?: number;
  /** Seed of dOut, dLse and the choice of elements; default 0. */
  readonly seed?: number;
}

/**
 * Checks the gradients of your own mods: those that the GPU gives against central differences in float64, for random
 * gradients by out and lse. The differences are of the float64 reference, which calls your functions as they are, with captured
 * tensors as nested arrays. Take small tensors, and none at a kink of a mod, where there is no derivative.
 *
 * @param fn what gives the gradients: `flexAttentionVjp`
 * @param inputs q, k, v on the GPU and the options of the call; `grads` says which captures are checked, default every float
 *   one that the scoreMod reads
 * @throws ValidationError a blockMask, which has no function; else as fn
 * @example
 * const scoreMod: ScoreMod<{ bias: Tensor }> = (s, b, h, q, kv, c) => s + c.bias[q - kv + 8]!;
 * const report = await gradcheck(flexAttentionVjp, { q, k, v, scoreMod, captures: { bias } });
 * if (!report.ok) throw new Error(report.toText());
 */
export async function gradcheck<C extends Captures = {}>(
  fn: GradcheckFunction,
  inputs: GradcheckInputs<C>,
  options?: GradcheckOptions,
): Promise<GradcheckReport> {
  const own = 'gradcheck';
  const {
    elements = 32,
    step = 1e-5,
    seed = 0,
    ...rest
  } = readOptions(own, options, gradcheckNames);
  const read = readOptions(
    own,
    inputs as unknown as GradcheckInputs<Captures>,
    inputNames,
    undefined,
    'inputs',
  ) as AnyInputs;
  const source = random(seed);
  const host = await readInputs(read);
  const by = randomGradients(host, read.q.dtype, source);
  const analytic = await gradientsOf(fn, read, by);
  const compared = [...analytic].map(([name, gradient]): Compared => {
    const array = host.arrays.get(name)!;
    const chosen = permutation(array.data.length, source).subarray(0, elements);
    return {
      name: name.replace(captureKey(''), ''),
      shape: array.shape,
      elements: Array.from(chosen, (at) => ({
        at,
        analytic: gradient[at]!,
        numeric: difference(host, by, array, at, step),
      })),
    };
  });
  return gradcheckReport(compared, rest.tolerance ?? defaultTolerance(read));
}

function defaultTolerance({ q, k, v, captures = {} }: AnyInputs): number {
  const isF16 = (x: unknown): boolean => (x as { dtype?: unknown }).dtype === 'f16';
  return [q, k, v, ...Object.values(captures)].some(isF16) ? 1e-2 : 1e-3;
}

/** The gradients that fn gives, on the host, by the names of the inputs. */
async function gradientsOf(
  fn: GradcheckFunction,
  { q, k, v, ...options }: AnyInputs,
  { dOut, dLse }: By,
): Promise<Map<string, ArrayLike<number>>> {
  const { gpu, dtype } = q;
  const { out, lse, backward } = fn(q, k, v, options as FlexOptions<Captures>);
  const given = [
    gpu.tensor(dOut.data, { shape: [...dOut.shape], dtype }),
    gpu.tensor(dLse.data, { shape: [...dLse.shape] }),
  ] as const;
  const gradients = backward(...given);
  const tensors = named(gradients);
  const read = await Promise.all(
    tensors.map(async ([name, tensor]) => [name, await tensor.read()] as const),
  );
  for (const tensor of [out, lse!, ...given, ...tensors.map(([, t]) => t)]) tensor.dispose();
  return new Map(read);
}

function named({ dq, dk, dv, dSinks, dCaptures }: FlexGradients): (readonly [string, Tensor])[] {
  const captures = Object.entries(dCaptures).map(([name, t]) => [captureKey(name), t] as const);
  return [
    ['q', dq],
    ['k', dk],
    ['v', dv],
    ...(dSinks ? [['sinks', dSinks] as const] : []),
    ...captures,
  ];
}
