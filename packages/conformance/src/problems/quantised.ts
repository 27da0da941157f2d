import type { NdArray } from '../reference/nd-array.ts';
import type { Problem } from '../reference/problem.ts';
import { dequantise, quantise, type QuantFormat } from '../reference/quantised.ts';

/** A paged problem over what pages of a format keep of its keys and values; {@link launch} packs them into such pages. */
export function quantised(problem: Problem, format: QuantFormat): Problem {
  const kept = (x: NdArray): NdArray => dequantise(quantise(x, format), x.shape.at(-1)!, format);
  return { ...problem, k: kept(problem.k), v: kept(problem.v), format };
}
