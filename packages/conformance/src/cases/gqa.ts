import type { FloatDType } from '../reference/number-types.ts';
import { denseProblem, packedProblem, pagedProblem } from '../problems/build-problem.ts';
import type { Problem } from '../reference/reference-problem.ts';
import { type Case, defineCase } from './case.ts';
import { rightInSplits } from './right-in-splits.ts';

const ratios = [
  [1, 1],
  [8, 8],
  [8, 4],
  [8, 2],
  [8, 1],
  [6, 3],
  [6, 2],
  [5, 1],
  [3, 3],
  [24, 2],
] as const;

type Heads = readonly [number, number];

const problems: Readonly<Record<string, (dtype: FloatDType, heads: Heads) => Problem>> = {
  prefill: (dtype, heads) =>
    denseProblem({ dtype, heads, lq: 40, lk: 50, options: { causal: true } }),
  'kv-batch-1': (dtype, heads) =>
    denseProblem({ dtype, heads, batch: 3, kvBatch: 1, lq: 5, lk: 50 }),
  'packed-decode': (dtype, heads) =>
    packedProblem({ dtype, heads, qLens: [1, 1, 1], kLens: [100, 1, 33] }),
  'paged-few-rows': (dtype, heads) =>
    pagedProblem({
      dtype,
      heads,
      qLens: [3, 1],
      used: [70, 20],
      pageSize: 16,
      options: { causal: true },
    }),
};

export const gqaCases: readonly Case[] = Object.entries(problems).flatMap(([name, build]) =>
  ratios.flatMap((heads) =>
    defineCase('gqa', `${name}/heads-${heads.join('x')}`, {
      tags: name === 'prefill' ? ['browser'] : [],
      run: (gpu, dtype) => rightInSplits(gpu, build(dtype, heads), dtype, ['auto', 1, 2]),
    }),
  ),
);
