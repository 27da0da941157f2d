import { random } from '../reference/seeded-random.ts';
import type { FloatDType } from '../reference/number-types.ts';
import { denseProblem, normal, packedProblem } from '../problems/build-problem.ts';
import { poisonUnused } from '../problems/rearrange-problem.ts';
import type { NdArray } from '../reference/nd-array.ts';
import type { Problem } from '../reference/reference-problem.ts';
import { type Case, defineCase } from './case.ts';
import { rightInSplits } from './right-in-splits.ts';

const sinks = (heads: number): NdArray => normal([heads], random(7), 'f32');

/** Rows that see no key give out 0 and lse −∞, or the sink where there is one. */
const problems: Readonly<Record<string, (dtype: FloatDType) => Problem>> = {
  'causal-lq-over-lk': (dtype) =>
    denseProblem({ dtype, lq: 70, lk: 20, options: { causal: true } }),
  'causal-lq-over-lk-sinks': (dtype) =>
    denseProblem({ dtype, lq: 70, lk: 20, options: { causal: true, sinks: sinks(4) } }),
  'window-past-the-keys': (dtype) =>
    denseProblem({ dtype, lq: 90, lk: 10, options: { window: [3, 3], align: 'start' } }),
  'window-before-the-keys': (dtype) =>
    denseProblem({ dtype, lq: 90, lk: 10, options: { window: [3, 3] } }),
  'window-sinks': (dtype) =>
    denseProblem({
      dtype,
      lq: 90,
      lk: 10,
      options: { window: [3, 3], align: 'start', sinks: sinks(4) },
    }),
  'used-0-sinks': (dtype) =>
    denseProblem({
      dtype,
      batch: 3,
      lq: 2,
      lk: 40,
      seqUsedK: [0, 40, 1],
      options: { sinks: sinks(4) },
    }),
  'packed-sinks-rows-in-no-sequence': (dtype) =>
    packedProblem({
      dtype,
      qLens: [4, 40],
      kLens: [0, 33],
      spareRows: [5, 5],
      options: { causal: true, sinks: sinks(4) },
    }),
  'packed-causal-ragged': (dtype) =>
    packedProblem({
      dtype,
      qLens: [40, 3, 65, 1],
      kLens: [3, 40, 1, 65],
      options: { causal: true },
    }),
};

export const emptyRowCases: readonly Case[] = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('empty-rows', name, {
    tags: ['browser'],
    run: (gpu, dtype) => rightInSplits(gpu, poisonUnused(build(dtype), NaN), dtype, [1, 2, 'auto']),
  }),
);
