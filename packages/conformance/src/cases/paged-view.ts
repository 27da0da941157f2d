import type { PagedKvView } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import { sameRun } from '../budget/checks.ts';
import type { FloatDType } from '../numerics/storage.ts';
import { pagedProblem } from '../problems/build.ts';
import { attentionOptions, collect, launch, uploadArray } from '../problems/launch.ts';
import { poisonUnused } from '../problems/rearrange.ts';
import { Scope } from '../problems/scope.ts';
import type { NdArray } from '../reference/nd-array.ts';
import type { Problem } from '../reference/problem.ts';
import { quantise } from '../reference/quantised.ts';
import { type Case, defineCase } from './case.ts';
import { isRight } from './expect.ts';

/** The view of a paged problem, all of it on the GPU. */
export function viewOf(scope: Scope, problem: Problem, dtype: FloatDType): PagedKvView {
  const { seqUsedK = new Int32Array(), blockTable = new Int32Array() } = problem;
  const [, pageSize = 0, , headDim = 0] = problem.k.shape;
  const integers = (values: Int32Array, shape: number[]) =>
    scope.own(scope.gpu.tensor(values, { shape, dtype: 'i32' }));
  const keys = (values: NdArray) =>
    problem.format === undefined
      ? uploadArray(scope, values, dtype)
      : uploadArray(scope, quantise(values, problem.format), 'u32');
  return {
    k: keys(problem.k),
    v: keys(problem.v),
    blockTable: integers(blockTable, [seqUsedK.length, blockTable.length / seqUsedK.length]),
    seqUsedK: integers(seqUsedK, [seqUsedK.length]),
    maxSeqlenK: Math.max(...seqUsedK),
    pageSize,
    format: problem.format ?? dtype,
    headDim,
    headDimV: problem.v.shape[3] ?? 0,
  };
}

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
