import { float64 } from './arithmetic.ts';
import type { Problem, ReferenceOptions } from './problem.ts';
import { scoreFunction } from './score.ts';
import { headsOf, type Sequence } from './sequences.ts';

/** One pair of a query and a key, and their dot product. */
export interface Pair {
  readonly problem: Problem;
  readonly sequence: Sequence;
  readonly h: number;
  readonly product: number;
  readonly i: number;
  readonly j: number;
  readonly position: number;
}

/** d(final score) / d(q·k). */
export function productSlope(pair: Pair): number {
  const { problem, product } = pair;
  const { softcap, scoreMod, scale } = problem.options;
  if (softcap === undefined && scoreMod === undefined)
    return scale ?? 1 / Math.sqrt(headsOf(problem).qk);
  const step = 1e-5 * Math.max(1, Math.abs(product));
  return difference(step, (by) => finalScore({ ...pair, product: product + by }));
}

/** d(final score) / d(ALiBi slope): the distance, and what a mod makes of it. */
export function alibiSlope(pair: Pair): number {
  const { problem, j, position } = pair;
  const { options } = problem;
  const { alibiSlopes, scoreMod } = options;
  if (alibiSlopes === undefined) return 0;
  if (scoreMod === undefined) return -Math.abs(position - j);
  return difference(1e-5, (by) => {
    const data = Float64Array.from(alibiSlopes.data, (slope) => slope + by);
    const moved: ReferenceOptions = { ...options, alibiSlopes: { shape: alibiSlopes.shape, data } };
    return finalScore({ ...pair, problem: { ...problem, options: moved } });
  });
}

function finalScore({ problem, sequence, h, product, i, j, position }: Pair): number {
  return scoreFunction(problem, sequence, h, float64)(product, i, j, position);
}

function difference(step: number, value: (by: number) => number): number {
  return (value(step) - value(-step)) / (2 * step);
}
