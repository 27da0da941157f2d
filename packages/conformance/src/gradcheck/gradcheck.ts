import type { DType, Tensor } from '@heed/core';
import { type NamesOf, readOptions } from '@heed/core/kernel';
import type { Captures, FlexGradients, FlexOptions, GradOptions } from '@heed/flex';
import type { AttentionResult, Differentiable } from '@heed/kernels-wgsl';
import { generate, type NdArray } from '../reference/nd-array.ts';
import { isFloat, toStorage } from '../reference/number-types.ts';
import { permutation, type Random, random } from '../reference/pseudo-random.ts';
import { referenceAttention } from '../reference/reference-attention.ts';
import {
  type AnyInputs,
  captureKey,
  type GradcheckInputs,
  type HostInputs,
  inputNames,
  readInputs,
} from './gradcheck-inputs.ts';
import { type Compared, type GradcheckReport, gradcheckReport } from './gradcheck-report.ts';

/** Gradients with respect to the results. */
interface By {
  readonly dOut: NdArray;
  readonly dLse: NdArray;
}

/** Returns random gradients with respect to the results, rounded to their storage type. */
function randomGradients({ problem }: HostInputs, dtype: DType, source: Random): By {
  const { out, lse } = referenceAttention(problem());
  const store = isFloat(dtype) ? dtype : 'f32';
  const dOut = generate(out.shape, () => toStorage(source.normal(), store));
  return { dOut, dLse: generate(lse.shape, () => Math.fround(source.normal())) };
}

/** Returns the central difference of the loss Σ dOut·out + Σ dLse·lse with respect to one element. */
function difference(host: HostInputs, by: By, { data }: NdArray, at: number, step: number): number {
  const x = data[at]!;
  const [above, below] = [x + step, x - step].map((moved) => {
    data[at] = moved;
    return loss(host, by);
  }) as [number, number];
  data[at] = x;
  return (above - below) / (2 * step);
}

function loss({ problem }: HostInputs, { dOut, dLse }: By): number {
  const { out, lse } = referenceAttention(problem());
  return product(out, dOut) + product(lse, dLse);
}

/** Returns Σ result·gradient. It leaves out lse = −∞, of rows without a visible key, which has no gradient. */
function product(result: NdArray, gradient: NdArray): number {
  let sum = 0;
  result.data.forEach((x, i) => {
    if (x !== -Infinity) sum += x * gradient.data[i]!;
  });
  return sum;
}

/** The tolerance of `gradcheck`, and the elements that it compares. */
export interface GradcheckOptions {
  /** Largest error relative to the largest gradient; default 1e-3, 1e-2 if any input is f16, 4e-2 if any is bf16. */
  readonly tolerance?: number;
  /** Number of elements of each input to compare, drawn by the seed; default 32. Each costs two attentions on the CPU. */
  readonly elements?: number;
  /** Step of the central differences, in float64; default 1e-5. */
  readonly step?: number;
  /** Seed of dOut, dLse and the drawn elements; default 0. */
  readonly seed?: number;
}

export const gradcheckNames: NamesOf<GradcheckOptions> = {
  tolerance: 1,
  elements: 1,
  step: 1,
  seed: 1,
};

/**
 * Checks the gradients of your own mods: compares the GPU's gradients with central differences in float64, for random dOut and dLse.
 * The differences are of the float64 reference, which calls your functions as they are, with captured tensors as nested arrays.
 * Use small tensors, and no point where a mod has a kink and therefore no derivative.
 *
 * @param fn `flexAttentionVjp`, or a function with its signature
 * @param inputs q, k, v on the GPU and the options of the call; `grads` selects the captures to check, default every float
 *   capture that the scoreMod reads
 * @throws ValidationError `inputs` has a blockMask, which has no function to compare with. Errors of fn are passed on.
 * @example
 * const scoreMod: ScoreMod<{ bias: Tensor }> = (s, b, h, q, kv, c) => s + c.bias[q - kv + 8]!;
 * const report = await gradcheck(flexAttentionVjp, { q, k, v, scoreMod, captures: { bias } });
 * if (!report.ok) throw new Error(report.toText());
 */
export async function gradcheck<C extends Captures = {}>(
  fn: (
    q: Tensor,
    k: Tensor,
    v: Tensor,
    options: FlexOptions<Captures> & GradOptions,
  ) => AttentionResult & Differentiable<FlexGradients>,
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
  const types = [q, k, v, ...Object.values(captures)].map((x) => (x as { dtype?: unknown }).dtype);
  if (types.includes('bf16')) return 4e-2;
  return types.includes('f16') ? 1e-2 : 1e-3;
}

/** Calls fn and its backward, and reads the gradients back, by the names of the inputs. */
async function gradientsOf(
  fn: Parameters<typeof gradcheck>[0],
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

function named({
  dq,
  dk,
  dv,
  dSinks,
  dScale,
  dCaptures,
}: FlexGradients): (readonly [string, Tensor])[] {
  const captures = Object.entries(dCaptures).map(([name, t]) => [captureKey(name), t] as const);
  return [
    ['q', dq],
    ['k', dk],
    ['v', dv],
    ...(dSinks ? [['sinks', dSinks] as const] : []),
    ...(dScale ? [['scale', dScale] as const] : []),
    ...captures,
  ];
}
