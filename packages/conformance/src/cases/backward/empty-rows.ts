import { denseProblem, packedProblem } from '../../problems/build-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { Case } from '../case.ts';
import { base, type Build, gradientCase } from './problem-cases.ts';

const sinks = generate([4], (h) => h / 2 - 1);

/** Rows that see no key have gradient 0, keys that no row sees too. */
const problems: Readonly<Record<string, Build>> = {
  'causal-lq-over-lk': (dtype) =>
    denseProblem({ ...base, dtype, lq: 70, lk: 20, options: { causal: true } }),
  'causal-start-lk-over-lq': (dtype) =>
    denseProblem({ ...base, dtype, lq: 20, lk: 90, options: { causal: true, align: 'start' } }),
  'causal-lq-over-lk-sinks': (dtype) =>
    denseProblem({ ...base, dtype, lq: 70, lk: 20, options: { causal: true, sinks } }),
  'window-past-the-keys': (dtype) =>
    denseProblem({ ...base, dtype, lq: 90, lk: 10, options: { window: [3, 3], align: 'start' } }),
  'all-used-0': (dtype) =>
    denseProblem({ ...base, dtype, batch: 2, lq: 5, lk: 40, seqUsedK: [0, 0] }),
  'no-queries': (dtype) => denseProblem({ ...base, dtype, lq: 0, lk: 40 }),
  'no-keys': (dtype) => denseProblem({ ...base, dtype, lq: 40, lk: 0 }),
  'packed-no-rows': (dtype) => packedProblem({ ...base, dtype, qLens: [0, 0], kLens: [3, 0] }),
};

export const emptyRowCases: readonly Case[] = Object.entries(problems).flatMap(([name, build]) =>
  gradientCase('backward-empty-rows', name, build, {
    f16Tier: 'full',
    tags: name === 'causal-lq-over-lk-sinks' ? ['browser'] : [],
  }),
);
