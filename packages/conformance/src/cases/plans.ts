import { planAttention, type AttentionPlan } from '@heed/kernels-wgsl';
import { kernelCount } from '@heed/core/kernel';
import type { Gpu } from '@heed/core';
import { type Check, holds, sameRun } from '../budget/output-checks.ts';
import type { FloatDType } from '../reference/number-types.ts';
import { denseProblem, packedProblem, pagedProblem } from '../problems/build-problem.ts';
import { collect, launch, upload } from '../problems/launch-problem.ts';
import { Scope } from '../problems/case-tensors.ts';
import type { Problem, ReferenceOptions } from '../reference/reference-problem.ts';
import { type Case, defineCase } from './case.ts';
import { isRight } from './expect.ts';

const problems: Readonly<
  Record<string, (dtype: FloatDType, longer: number, options: ReferenceOptions) => Problem>
> = {
  dense: (dtype, longer, options) =>
    denseProblem({ dtype, batch: 2, lq: 20 + longer, lk: 50 + longer, options }),
  packed: (dtype, longer, options) =>
    packedProblem({ dtype, qLens: [5, 33 + longer], kLens: [9 + longer, 70], options }),
  paged: (dtype, longer, options) =>
    pagedProblem({ dtype, qLens: [1, 3 + longer], used: [40 + longer, 17], pageSize: 16, options }),
};

function planFor(gpu: Gpu, problem: Problem, dtype: FloatDType): AttentionPlan {
  const { q, k, v, blockTable } = problem;
  const layout = q.shape.length === 4 ? 'dense' : blockTable === undefined ? 'varlen' : 'paged';
  return planAttention(gpu, { layout, dtype, q: q.shape, k: k.shape, v: v.shape, numSplits: 1 });
}

/** Values that a run brings along: none of them may compile anything. */
const values: readonly ReferenceOptions[] = [
  {},
  { causal: true },
  { window: [7, 3], scale: 0.2 },
  { align: 'start', window: [-1, 5] },
];

/** `plan.run` gives the bits of the plain call, for other lengths and option values too, and compiles nothing new. */
const runs = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('plans', `run/${name}`, {
    tags: ['browser'],
    async run(gpu, dtype) {
      const scope = new Scope(gpu);
      try {
        const plan = scope.own(planFor(gpu, build(dtype, 0, {}), dtype));
        await plan.warmup();
        const warm = kernelCount(gpu);
        const checks: Check[] = [];
        for (const [longer, options] of values.entries()) {
          const problem = build(dtype, 9 * longer, options);
          const got = await collect(scope, plan.run(upload(scope, problem, dtype)));
          checks.push(
            holds('kernels', kernelCount(gpu) === warm, 'a run after warmup compiled one'),
          );
          checks.push(...sameRun('run', got, await launch(gpu, problem, dtype, { numSplits: 1 })));
          checks.push(...isRight('run', got, problem, dtype));
        }
        return checks;
      } finally {
        scope.dispose();
      }
    },
  }),
);

/** `plan.encode` into a pass of the caller's gives the same bits. */
const encodes = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('plans', `encode/${name}`, {
    async run(gpu, dtype) {
      const scope = new Scope(gpu);
      try {
        const problem = build(dtype, 0, { causal: true });
        const plan = scope.own(planFor(gpu, problem, dtype));
        const encoder = gpu.device.createCommandEncoder({ label: 'conformance encode' });
        const pass = encoder.beginComputePass({ label: 'conformance encode' });
        const result = plan.encode(pass, upload(scope, problem, dtype));
        pass.end();
        gpu.device.queue.submit([encoder.finish()]);
        const want = await launch(gpu, problem, dtype, { numSplits: 1 });
        return sameRun('encode', await collect(scope, result), want);
      } finally {
        scope.dispose();
      }
    },
  }),
);

export const planCases: readonly Case[] = [...runs, ...encodes];
