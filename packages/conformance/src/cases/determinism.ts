import { type Check, sameRun } from '../budget/output-checks.ts';
import type { FloatDType } from '../reference/number-types.ts';
import { denseProblem, packedProblem, pagedProblem } from '../problems/build-problem.ts';
import { launch } from '../problems/launch-problem.ts';
import type { Problem } from '../reference/reference-problem.ts';
import { type Case, defineCase, type Tier } from './case.ts';

const problems: Readonly<Record<string, (dtype: FloatDType) => Problem>> = {
  'dense-prefill': (dtype) => denseProblem({ dtype, lq: 150, options: { causal: true } }),
  'dense-decode': (dtype) => denseProblem({ dtype, batch: 2, lq: 1, lk: 700, heads: [8, 2] }),
  'packed-prefill': (dtype) =>
    packedProblem({ dtype, qLens: [100, 1, 33], options: { causal: true } }),
  'paged-decode': (dtype) =>
    pagedProblem({ dtype, qLens: [1, 1, 1], used: [300, 40, 129], pageSize: 16 }),
};

function repeats(
  name: string,
  build: (dtype: FloatDType) => Problem,
  runs: number,
  tier: Tier,
): Case[] {
  return defineCase('determinism', `${name}/${runs}-runs`, {
    tier,
    tags: ['browser'],
    async run(gpu, dtype, signal) {
      const problem = build(dtype);
      const first = await launch(gpu, problem, dtype);
      const checks: Check[] = [];
      for (let run = 1; run < runs; run++) {
        signal?.throwIfAborted();
        checks.push(...sameRun(`run ${run}`, await launch(gpu, problem, dtype), first));
      }
      return checks;
    },
  });
}

export const determinismCases: readonly Case[] = Object.entries(problems).flatMap(
  ([name, build]) => [...repeats(name, build, 8, 'quick'), ...repeats(name, build, 250, 'full')],
);
