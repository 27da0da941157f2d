import { varlenAttention } from '@heed/kernels-wgsl';
import { sameRun } from '../budget/output-checks.ts';
import { pagedProblem } from '../problems/build-problem.ts';
import { attentionOptions, collect, launch, viewOf } from '../problems/launch-problem.ts';
import { poisonUnused } from '../problems/rearrange-problem.ts';
import { Scope, uploadArray } from '../problems/case-tensors.ts';
import { type Case, defineCase } from './case.ts';
import { isRight } from './expect.ts';

/** A PagedKvView gives the bits of the same pages handed over as k, v, blockTable and seqUsedK. */
export const pagedViewCases: readonly Case[] = [1, 5].flatMap((lq) =>
  defineCase('paged-view', `equals-block-table/lq-${lq}`, {
    tags: ['browser'],
    async run(gpu, dtype) {
      const spec = {
        dtype,
        qLens: [lq, lq, lq],
        used: [70, 33, 16],
        pageSize: 16,
        options: { causal: lq > 1 },
      };
      const problem = poisonUnused(pagedProblem(spec), NaN);
      const want = await launch(gpu, problem, dtype, { numSplits: 2, gpuLengths: true });
      const scope = new Scope(gpu);
      try {
        const q = uploadArray(scope, problem.q, dtype);
        const { cuSeqlensQ = new Int32Array() } = problem;
        const options = { ...attentionOptions(scope, problem, { numSplits: 2 }), cuSeqlensQ };
        const result = varlenAttention(q, viewOf(scope, problem, dtype), options);
        const got = await collect(scope, result);
        return [...sameRun('view', got, want), ...isRight('block table', want, problem, dtype)];
      } finally {
        scope.dispose();
      }
    },
  }),
);
