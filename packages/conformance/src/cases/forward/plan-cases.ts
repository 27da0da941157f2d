import type { Gpu } from '@heed/core';
import { kernelCount } from '@heed/core/kernel';
import { type AttentionPlan, planAttention } from '@heed/kernels-wgsl';
import { type Check, holds, sameRun } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { Scope } from '../../problems/case-tensors.ts';
import { call, collect, launch, upload } from '../../problems/launch-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type {
  AttentionState,
  ReferenceOptions,
  ReferenceProblem,
} from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';

const plannedProblems: Readonly<
  Record<string, (dtype: FloatDType, longer: number, options: ReferenceOptions) => ReferenceProblem>
> = {
  dense: (dtype, longer, options) =>
    denseProblem({ dtype, batch: 2, lq: 20 + longer, lk: 50 + longer, options }),
  packed: (dtype, longer, options) =>
    packedProblem({ dtype, qLens: [5, 33 + longer], kLens: [9 + longer, 70], options }),
  paged: (dtype, longer, options) =>
    pagedProblem({ dtype, qLens: [1, 3 + longer], used: [40 + longer, 17], pageSize: 16, options }),
};

function planFor(gpu: Gpu, problem: ReferenceProblem, dtype: FloatDType): AttentionPlan {
  const { q, k, v, blockTable } = problem;
  const layout = q.shape.length === 4 ? 'dense' : blockTable === undefined ? 'varlen' : 'paged';
  return planAttention(gpu, { layout, dtype, q: q.shape, k: k.shape, v: v.shape, numSplits: 1 });
}

/** Options that are data of a run: none of them may compile anything. */
const values: readonly ReferenceOptions[] = [
  {},
  { causal: true },
  { window: [7, 3], scale: 0.2 },
  { align: 'start', window: [-1, 5] },
];

/** `plan.run` gives the bits of the plain call, also for other lengths and option values, and compiles nothing new. */
const runs = Object.entries(plannedProblems).flatMap(([name, build]) =>
  defineCase('plans', `run/${name}`, {
    bf16Tier: name === 'paged' ? 'quick' : 'full',
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

/** `plan.encode` into a pass of the caller gives the same bits. */
const encodes = Object.entries(plannedProblems).flatMap(([name, build]) =>
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

/** `plan.record` gives the same bits by each replay, alone and in a batch, for lengths that only the GPU knows. */
const records = Object.entries(plannedProblems).flatMap(([name, build]) =>
  defineCase('plans', `record/${name}`, {
    tags: ['browser'],
    async run(gpu, dtype) {
      const scope = new Scope(gpu);
      try {
        const problem = build(dtype, 0, { causal: true });
        const plan = scope.own(planFor(gpu, problem, dtype));
        const tensors = upload(scope, problem, dtype, { gpuLengths: true });
        const [first, second] = [1, 2].map(() => scope.own(plan.record(tensors)));
        first!.replay();
        gpu.batch(() => {
          first!.replay();
          second!.replay();
        });
        const want = await launch(gpu, problem, dtype, { numSplits: 1 });
        return [
          ...sameRun('replayed twice', await collect(scope, first!), want),
          ...sameRun('replayed once', await collect(scope, second!), want),
        ];
      } finally {
        scope.dispose();
      }
    },
  }),
);

const plannedCases: readonly RunnableCase[] = [...runs, ...encodes, ...records];

// WebGPU allows 65,535 workgroups along one dimension.
const hugeProblems: Readonly<Record<string, (dtype: FloatDType) => ReferenceProblem>> = {
  'batch-33000': (dtype) =>
    denseProblem({ dtype, batch: 33_000, lq: 1, lk: 2, heads: [2, 2], dim: 8 }),
  'sequences-66000': (dtype) =>
    packedProblem({ dtype, qLens: Array<number>(66_000).fill(1), heads: [1, 1], dim: 8 }),
};

/** More workgroups than one dimension of a dispatch may have. */
const folded = Object.entries(hugeProblems).flatMap(([name, build]) =>
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

const gridCases: readonly RunnableCase[] = [...folded, ...batched];

/** Cases of plans, large grids and batches of calls. */
export const planCases: readonly RunnableCase[] = [...plannedCases, ...gridCases];
