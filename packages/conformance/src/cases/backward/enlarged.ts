import { type FloatDType, toStorage } from '../../reference/number-types.ts';
import { generate, type NdArray } from '../../reference/nd-array.ts';
import type { Problem } from '../../reference/reference-problem.ts';

type Factors = Readonly<Record<'q' | 'k' | 'v', number>>;

/** A problem with its inputs times so much, as the storage type holds them. */
export function enlarged(problem: Problem, dtype: FloatDType, factors: Factors): Problem {
  const times = (x: NdArray, factor: number): NdArray =>
    generate(x.shape, (i) => toStorage(factor * x.data[i]!, dtype));
  const { q, k, v } = problem;
  return { ...problem, q: times(q, factors.q), k: times(k, factors.k), v: times(v, factors.v) };
}
