import { type Random, random } from '../numerics/random.ts';
import type { FloatDType } from '../numerics/storage.ts';
import { generate, type NdArray } from '../reference/nd-array.ts';
import type { ResultGradients } from '../reference/gradients.ts';
import type { Problem } from '../reference/problem.ts';
import { normal } from './build.ts';
import { poisonUnused } from './rearrange.ts';

/** Normally distributed gradients by out, and by lse where asked for; NaN in rows outside every sequence. */
export function resultGradients(
  problem: Problem,
  dtype: FloatDType,
  { lse = false, seed = 77 }: { readonly lse?: boolean; readonly seed?: number } = {},
): ResultGradients {
  const source = random(seed);
  const shape = [...problem.q.shape.slice(0, -1), problem.v.shape.at(-1) ?? 0];
  const dOut = normal(shape, source, dtype);
  // With values for keys, every offset of the query side is one of out.
  const poisoned = poisonUnused({ ...problem, q: dOut, k: problem.v }, NaN).q;
  return { dOut: poisoned, ...(lse && { dLse: lseGradient(problem, source) }) };
}

function lseGradient({ q, cuSeqlensQ }: Problem, source: Random): NdArray {
  const [first = 0, heads = 0, rows = 0] = q.shape;
  if (cuSeqlensQ === undefined) return normal([first, heads, rows], source, 'f32');
  const end = cuSeqlensQ.at(-1) ?? 0;
  return generate([heads, first], (flat) => (flat % first < end ? source.normal() : NaN));
}

/** The same gradients, of whichever kind, times a factor. */
export function scaled<G extends { readonly [K in keyof G]: NdArray }>(
  gradients: G,
  factor: number,
): G {
  const times = ({ shape, data }: NdArray): NdArray => ({
    shape,
    data: data.map((x) => x * factor),
  });
  return Object.fromEntries(
    Object.entries<NdArray>(gradients).map(([name, array]) => [name, times(array)]),
  ) as unknown as G;
}
