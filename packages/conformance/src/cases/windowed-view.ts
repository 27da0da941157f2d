import type { PagedKvView, Tensor } from '@heed/core';
import { flexAttention } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { type AttentionResult, varlenAttention } from '@heed/kernels-wgsl';
import { pagedProblem } from '../problems/build-problem.ts';
import { Scope, uploadArray } from '../problems/case-tensors.ts';
import { type FlexProblem, mods, withMods } from '../problems/launch-flex.ts';
import { collect, viewOf } from '../problems/launch-problem.ts';
import { poisonUnused } from '../problems/rearrange-problem.ts';
import type { NdArray } from '../reference/nd-array.ts';
import type { FloatDType } from '../reference/number-types.ts';
import type { Problem } from '../reference/reference-problem.ts';
import { type Case, defineCase } from './case.ts';
import { isRight } from './expect.ts';

const [window, pageSize, used] = [21, 8, [130, 70, 25]] as const;

/** Pages out of sight are one page of numbers that would show in a result. */
function released(problem: Problem, lq: number, sinkTokens: number): Problem {
  const blockTable = Int32Array.from(problem.blockTable!);
  const maxPages = blockTable.length / used.length;
  const owned = new Set(blockTable);
  const nobodys = [...Array(problem.k.shape[0]).keys()].find((page) => !owned.has(page))!;
  used.forEach((length, b) => {
    const end = Math.floor((length - lq - window) / pageSize);
    for (let page = Math.ceil(sinkTokens / pageSize); page < end; page++) {
      blockTable[b * maxPages + page] = nobodys;
    }
  });
  const loud = ({ shape, data }: NdArray): NdArray => {
    const size = data.length / shape[0]!;
    return { shape, data: data.map((x, i) => (Math.floor(i / size) === nobodys ? 1000 : x)) };
  };
  return { ...problem, blockTable, k: loud(problem.k), v: loud(problem.v) };
}

/** Causal rows over a cache that has let go of what lies before its window, but for the sink tokens. */
function windowed(dtype: FloatDType, lq: number, sinkTokens: number): FlexProblem {
  const spec = { dtype, dim: 16, qLens: used.map(() => lq), used, pageSize };
  const problem = poisonUnused(released(pagedProblem(spec), lq, sinkTokens), NaN);
  return withMods(problem, () =>
    mods({
      maskMod: (b, h, q, kv, c) => q >= kv && (kv >= q - c.window || kv < c.sinkTokens),
      captures: { window, sinkTokens },
    }),
  );
}

const calls = {
  varlen: (q: Tensor, view: PagedKvView, numSplits: number): AttentionResult =>
    varlenAttention(q, view, { causal: true, returnLse: true, numSplits }),
  flex: (q: Tensor, view: PagedKvView, numSplits: number): AttentionResult =>
    flexAttention(q, view, { maskMod: causal, returnLse: true, numSplits }),
};

/** A view brings the window and the sink tokens of its cache into every attention. */
export const windowedViewCases: readonly Case[] = Object.entries(calls).flatMap(([name, call]) =>
  [0, 5].flatMap((sinkTokens) =>
    defineCase('windowed-view', `${name}/sink-tokens-${sinkTokens}`, {
      f16Tier: 'full',
      tags: sinkTokens > 0 ? ['browser'] : [],
      async run(gpu, dtype) {
        const scope = new Scope(gpu);
        try {
          const checks = [];
          for (const [lq, numSplits] of [
            [40, 1],
            [1, 2],
          ] as const) {
            const problem = windowed(dtype, lq, sinkTokens);
            const cu = problem.cuSeqlensQ!;
            const cuSeqlensQ = scope.own(gpu.tensor(cu, { shape: [cu.length], dtype: 'i32' }));
            const view = { ...viewOf(scope, problem, dtype), cuSeqlensQ, window, sinkTokens };
            const result = call(uploadArray(scope, problem.q, dtype), view, numSplits);
            checks.push(...isRight(`lq ${lq}`, await collect(scope, result), problem, dtype));
          }
          return checks;
        } finally {
          scope.dispose();
        }
      },
    }),
  ),
);
