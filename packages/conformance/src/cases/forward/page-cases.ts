import type { PagedKvView, Tensor } from '@heed/core';
import { flexAttention } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { type AttentionResult, varlenAttention } from '@heed/kernels-wgsl';
import { sameRun } from '../../budget/output-checks.ts';
import { pagedProblem } from '../../problems/build-problem.ts';
import { Scope, uploadArray } from '../../problems/case-tensors.ts';
import { type FlexProblem, mods, withMods } from '../../problems/launch-flex.ts';
import { attentionOptions, collect, launch, viewOf } from '../../problems/launch-problem.ts';
import { gather, poisonUnused } from '../../problems/rearrange-problem.ts';
import type { NdArray } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight, sameSequences } from '../shared/expected-results.ts';
import { usedLengths } from '../shared/named-problems.ts';

const pageSizes = [1, 16, 32, 64, 128, 256] as const;
const odd = [3, 33] as const;

interface Spec {
  readonly pageSize: number;
  readonly pages: 'permuted' | 'shared';
  readonly used: readonly number[];
  readonly tier: 'quick' | 'full';
}

/** Paged memory gives the bits of the same rows gathered into a packed tensor: decode and prefill. */
function equalsGathered({ pageSize, pages, used, tier }: Spec): RunnableCase[] {
  return defineCase('block-tables', `page-${pageSize}/${pages}/lens-${used.join('-')}`, {
    tier,
    tags: pageSize === 16 || pageSize === 64 ? ['browser'] : [],
    async run(gpu, dtype) {
      const checks = [];
      for (const lq of [1, 17]) {
        const spec = {
          dtype,
          pageSize,
          pages,
          used,
          qLens: used.map(() => lq),
          options: { causal: lq > 1 },
        };
        const paged = poisonUnused(pagedProblem(spec), NaN);
        const gathered = gather(paged);
        for (const numSplits of [1, 3]) {
          const label = `lq=${lq} numSplits=${numSplits}`;
          const got = await launch(gpu, paged, dtype, { numSplits });
          const want = await launch(gpu, gathered, dtype, { numSplits });
          checks.push(...sameSequences(`${label} = gathered`, [paged, got], [gathered, want]));
          if (numSplits === 1) checks.push(...isRight(label, got, paged, dtype));
        }
        checks.push(...isRight(`lq=${lq} auto`, await launch(gpu, paged, dtype), paged, dtype));
      }
      return checks;
    },
  });
}

const ragged = [127, 63, 33, 17];

const blockTableCases: readonly RunnableCase[] = [
  ...pageSizes.flatMap((pageSize) =>
    (['permuted', 'shared'] as const).flatMap((pages) =>
      equalsGathered({ pageSize, pages, used: ragged, tier: 'quick' }),
    ),
  ),
  ...odd.flatMap((pageSize) =>
    equalsGathered({ pageSize, pages: 'permuted', used: [100, 0, 66, 1], tier: 'quick' }),
  ),
  ...pageSizes.flatMap((pageSize) =>
    usedLengths
      .slice(0, 4)
      .flatMap((used) => equalsGathered({ pageSize, pages: 'permuted', used, tier: 'full' })),
  ),
];

/** A PagedKvView gives the bits of the same pages passed as k, v, blockTable and seqUsedK. */
const pagedViewCases: readonly RunnableCase[] = [1, 5].flatMap((lq) =>
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

const [window, pageSize, used] = [21, 8, [130, 70, 25]] as const;

/** Replaces the pages that a window has released by one page of large numbers, which would show in any result. */
function released(problem: ReferenceProblem, lq: number, sinkTokens: number): ReferenceProblem {
  const blockTable = Int32Array.from(problem.blockTable!);
  const maxPages = blockTable.length / used.length;
  const owned = new Set(blockTable);
  const filler = [...Array(problem.k.shape[0]).keys()].find((page) => !owned.has(page))!;
  used.forEach((length, b) => {
    const end = Math.floor((length - lq - window) / pageSize);
    for (let page = Math.ceil(sinkTokens / pageSize); page < end; page++) {
      blockTable[b * maxPages + page] = filler;
    }
  });
  const loud = ({ shape, data }: NdArray): NdArray => {
    const size = data.length / shape[0]!;
    return { shape, data: data.map((x, i) => (Math.floor(i / size) === filler ? 1000 : x)) };
  };
  return { ...problem, blockTable, k: loud(problem.k), v: loud(problem.v) };
}

/** Causal rows over a cache that has released all pages before its window except those of the sink tokens. */
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

/** The window and the sink tokens of a view apply in every attention function. */
const windowedViewCases: readonly RunnableCase[] = Object.entries(calls).flatMap(([name, call]) =>
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

/** Cases of paged keys and values, by tensors and by a view. */
export const pageCases: readonly RunnableCase[] = [
  ...blockTableCases,
  ...pagedViewCases,
  ...windowedViewCases,
];
