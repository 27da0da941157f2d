import { random } from '../reference/seeded-random.ts';
import type { FloatDType } from '../reference/number-types.ts';
import { denseProblem, normal, packedProblem, pagedProblem } from '../problems/build-problem.ts';
import { poisonUnused } from '../problems/rearrange-problem.ts';
import type { Problem } from '../reference/reference-problem.ts';
import { type Case, defineCase } from './case.ts';
import { rightInSplits } from './right-in-splits.ts';

const counts = [1, 2, 3, 4, 7, 16, 64, 'auto'] as const;
const sinks = normal([4], random(21), 'f32');

const problems: Readonly<Record<string, (dtype: FloatDType) => Problem>> = {
  'dense-long': (dtype) => denseProblem({ dtype, lq: 1, lk: 1000 }),
  'dense-few-rows-causal': (dtype) =>
    denseProblem({ dtype, lq: 9, lk: 300, options: { causal: true } }),
  'prefill-causal': (dtype) =>
    denseProblem({ dtype, lq: 150, lk: 170, heads: [2, 1], options: { causal: true } }),
  // Some splits see no key at all, some lie wholly outside the window.
  'ragged-with-empty': (dtype) =>
    packedProblem({ dtype, qLens: [1, 1, 1, 1], kLens: [300, 0, 1, 65] }),
  window: (dtype) => denseProblem({ dtype, lq: 2, lk: 500, options: { window: [20, 0] } }),
  // The sink joins the sum once, not once per split.
  sinks: (dtype) =>
    packedProblem({ dtype, qLens: [1, 1, 1], kLens: [300, 0, 40], options: { sinks } }),
  paged: (dtype) => pagedProblem({ dtype, qLens: [1, 2], used: [333, 40], pageSize: 32 }),
};

export const splitCases: readonly Case[] = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('splits', name, {
    tags: ['browser'],
    run: (gpu, dtype) => rightInSplits(gpu, poisonUnused(build(dtype), NaN), dtype, counts),
  }),
);
