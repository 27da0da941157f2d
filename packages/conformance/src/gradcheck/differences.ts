import type { DType } from '@heed/core';
import type { Random } from '../reference/seeded-random.ts';
import { toStorage } from '../reference/number-types.ts';
import { referenceAttention } from '../reference/reference-attention.ts';
import { generate, type NdArray } from '../reference/nd-array.ts';
import type { HostInputs } from './inputs.ts';

/** Gradients by the results. */
export interface By {
  readonly dOut: NdArray;
  readonly dLse: NdArray;
}

/** Random gradients by the results, as their storage holds them. */
export function randomGradients({ problem }: HostInputs, dtype: DType, source: Random): By {
  const { out, lse } = referenceAttention(problem());
  const store = dtype === 'f16' ? 'f16' : 'f32';
  const dOut = generate(out.shape, () => toStorage(source.normal(), store));
  return { dOut, dLse: generate(lse.shape, () => Math.fround(source.normal())) };
}

/** The central difference by one element of the loss Σ dOut·out + Σ dLse·lse. */
export function difference(
  host: HostInputs,
  by: By,
  { data }: NdArray,
  at: number,
  step: number,
): number {
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

/** Where a row has nothing visible lse is −∞, which has no gradient. */
function product(result: NdArray, gradient: NdArray): number {
  let sum = 0;
  result.data.forEach((x, i) => {
    if (x !== -Infinity) sum += x * gradient.data[i]!;
  });
  return sum;
}
