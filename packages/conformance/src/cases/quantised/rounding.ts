import { largest } from '../../budget/error-budgets.ts';
import { near } from '../../budget/output-checks.ts';
import { pagedProblem, quantised } from '../../problems/build-problem.ts';
import { launch } from '../../problems/launch-problem.ts';
import type { NdArray } from '../../reference/nd-array.ts';
import { referenceAttention } from '../../reference/reference-attention.ts';
import type { Problem } from '../../reference/reference-problem.ts';
import type { QuantFormat } from '../../reference/stored-rows.ts';
import { type Case, defineCase } from '../case.ts';
import { formats } from './problem-cases.ts';

/** Half a step of a row's scale, as a part of the row's largest magnitude. */
const halfStep: Readonly<Record<QuantFormat, number>> = { int8: 1 / 254, int4: 1 / 14 };

/**
 * How far attention over quantised pages may be from attention over the values themselves. An element is off by half a step at
 * most, so a score by ε = scale · ‖q‖₁ · half a step of k, a weight by the factor exp(2ε), and out by half a step of v and what
 * the weights' change does to the largest v.
 */
function roundingBound({ q, k, v }: Problem, scale: number, format: QuantFormat): number {
  const dim = q.shape.at(-1)!;
  const epsilon = scale * largestSum(q, dim) * largest(k) * halfStep[format];
  return largest(v) * (halfStep[format] + Math.expm1(2 * epsilon));
}

/** The largest Σ|x| of a row. */
function largestSum({ data }: NdArray, width: number): number {
  let max = 0;
  for (let row = 0; row < data.length; row += width)
    max = Math.max(max, [...data.subarray(row, row + width)].reduce(sum, 0));
  return max;
}

const sum = (total: number, x: number): number => total + Math.abs(x);

/**
 * What that comes to where nothing is known of the data, as a part of the largest |out|: q, k and v normally distributed, a head
 * dim of 64, tens to hundreds of keys. Measured over seeds: 1.0 % and 21 %.
 */
const usual: Readonly<Record<QuantFormat, number>> = { int8: 0.02, int4: 0.3 };

/** The error against the values before they were quantised: within its bound, and about what is stated. */
export const roundingCases: readonly Case[] = formats.flatMap((format) =>
  defineCase('quantised-rounding', format, {
    tags: ['browser'],
    async run(gpu, dtype) {
      const spec = { dtype, qLens: [5, 5, 5], used: [300, 150, 70], pageSize: 16 };
      const checks = [];
      for (const scale of [1 / 8, 1 / 512]) {
        const problem = pagedProblem({ ...spec, options: { scale } });
        const kept = quantised(problem, format);
        const { out } = await launch(gpu, kept, dtype, { numSplits: 1 });
        const exact = referenceAttention(problem);
        const within = (name: string, limit: number) =>
          near(name, out, exact.out, { limit, naiveError: 0, allowance: limit });
        checks.push(within(`bound, scale ${scale}`, roundingBound(problem, scale, format)));
        if (scale === 1 / 8) checks.push(within('usual', usual[format] * largest(exact.out)));
      }
      return checks;
    },
  }),
);
