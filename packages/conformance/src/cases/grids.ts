import type { FloatDType } from '../reference/number-types.ts';
import { sameRun } from '../budget/output-checks.ts';
import { denseProblem, packedProblem } from '../problems/build-problem.ts';
import { call, collect, launch } from '../problems/launch-problem.ts';
import { Scope } from '../problems/case-tensors.ts';
import type { AttentionState, Problem } from '../reference/reference-problem.ts';
import { type Case, defineCase } from './case.ts';
import { isRight } from './expect.ts';

// 65,535 is the most workgroups WebGPU allows along one dimension.
const problems: Readonly<Record<string, (dtype: FloatDType) => Problem>> = {
  'batch-33000': (dtype) =>
    denseProblem({ dtype, batch: 33_000, lq: 1, lk: 2, heads: [2, 2], dim: 8 }),
  'sequences-66000': (dtype) =>
    packedProblem({ dtype, qLens: Array<number>(66_000).fill(1), heads: [1, 1], dim: 8 }),
};

/** More workgroups than one dimension of a dispatch holds. */
const folded = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('grids', name, {
    f16Tier: 'full',
    async run(gpu, dtype) {
      const problem = build(dtype);
      return isRight(name, await launch(gpu, problem, dtype, { numSplits: 1 }), problem, dtype);
    },
  }),
);

/** Two calls of one batch keep their own parameters and lengths, and give the bits of two submits. */
const batched = defineCase('grids', 'two-calls-in-one-batch', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const first = packedProblem({ dtype, qLens: [33, 5], options: { causal: true } });
    const second = packedProblem({
      dtype,
      qLens: [1, 20],
      kLens: [70, 20],
      options: { scale: 0.3 },
      seed: 1,
    });
    const want = [
      await launch(gpu, first, dtype, { numSplits: 1 }),
      await launch(gpu, second, dtype, { numSplits: 1 }),
    ];
    const scope = new Scope(gpu);
    try {
      const results = gpu.batch(() =>
        [first, second].map((problem) => call(scope, problem, dtype, { numSplits: 1 })),
      );
      const checks = [];
      for (const [n, result] of results.entries()) {
        const got = await collect(scope, result);
        checks.push(...sameRun(`call ${n}`, got, want[n] as AttentionState));
      }
      return checks;
    } finally {
      scope.dispose();
    }
  },
});

export const gridCases: readonly Case[] = [...folded, ...batched];
