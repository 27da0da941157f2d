import {
  type BaseSpec,
  denseProblem,
  packedProblem,
  pagedProblem,
} from '../../problems/build-problem.ts';
import { launch } from '../../problems/launch-problem.ts';
import { gather, poisonUnused } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase, type Tier } from '../shared/case.ts';
import { isRight, rightInSplits, sameSequences } from '../shared/expected-results.ts';

const ratios = [
  [1, 1],
  [8, 8],
  [8, 4],
  [8, 2],
  [8, 1],
  [6, 3],
  [6, 2],
  [5, 1],
  [3, 3],
  [24, 2],
  // Of multi-head latent attention.
  [128, 1],
] as const;

type Heads = readonly [number, number];

type Build = (dtype: FloatDType, heads: Heads, more?: BaseSpec) => ReferenceProblem;

const problems: Readonly<Record<string, Build>> = {
  prefill: (dtype, heads, more) =>
    denseProblem({ ...more, dtype, heads, lq: 40, lk: 50, options: { causal: true } }),
  'kv-batch-1': (dtype, heads, more) =>
    denseProblem({ ...more, dtype, heads, batch: 3, kvBatch: 1, lq: 5, lk: 50 }),
  'packed-decode': (dtype, heads, more) =>
    packedProblem({ ...more, dtype, heads, qLens: [1, 1, 1], kLens: [100, 1, 33] }),
  'paged-few-rows': (dtype, heads, more) =>
    pagedProblem({
      ...more,
      dtype,
      heads,
      qLens: [3, 1],
      used: [70, 20],
      pageSize: 16,
      options: { causal: true },
    }),
};

const gqaCases: readonly RunnableCase[] = Object.entries(problems).flatMap(([name, build]) =>
  ratios.flatMap((heads) =>
    defineCase('gqa', `${name}/heads-${heads.join('x')}`, {
      tags: name === 'prefill' ? ['browser'] : [],
      run: (gpu, dtype) => rightInSplits(gpu, build(dtype, heads), dtype, ['auto', 1, 2]),
    }),
  ),
);

// To the longest that is served, 576; 512 follows from absorbed MLA and the global layers of Gemma 4.
const dims = [
  1, 8, 17, 24, 40, 64, 80, 96, 111, 128, 192, 256, 257, 320, 511, 512, 513, 576,
] as const;
const unequal = [
  [64, 32],
  [32, 64],
  [17, 40],
  [192, 128],
  [576, 512],
  [1, 576],
  [576, 1],
] as const;

function prefill(
  name: string,
  dim: number,
  dimV: number,
  tiers: [f32: Tier, f16: Tier],
): RunnableCase[] {
  return defineCase('head-dims', name, {
    tier: tiers[0],
    f16Tier: tiers[1],
    async run(gpu, dtype) {
      const problem = denseProblem({
        dtype,
        lq: 70,
        lk: 81,
        heads: [2, 1],
        dim,
        dimV,
        options: { causal: true },
      });
      return isRight(
        'prefill',
        await launch(gpu, problem, dtype, { numSplits: 1 }),
        problem,
        dtype,
      );
    },
  });
}

/** A batch whose lengths are used in part, one not at all. */
const usedInPart: Build = (dtype, heads, more) =>
  denseProblem({ ...more, dtype, heads, batch: 3, lq: 2, lk: 41, seqUsedK: [0, 41, 17] });

/** Multi-head latent attention with absorbed projections: rows of 576 and 512 elements, one key head to 1 or 128 query heads. */
const latentCases: readonly RunnableCase[] = Object.entries({
  ...problems,
  used: usedInPart,
}).flatMap(([name, build]) =>
  ([1, 128] as const).flatMap((count) =>
    defineCase('head-dims', `latent/${name}/heads-${count}x1`, {
      tier: 'full',
      run: (gpu, dtype) => {
        const problem = poisonUnused(build(dtype, [count, 1], { dim: 576, dimV: 512, dtype }), NaN);
        return rightInSplits(gpu, problem, dtype, ['auto', 1, 2]);
      },
    }),
  ),
);

/** Splits and paged memory at other head dims. Each costs several pipelines. */
function decode(dim: number, dimV: number): RunnableCase[] {
  return defineCase('head-dims', `decode-${dim}${dim === dimV ? '' : `x${dimV}`}`, {
    tier: 'full',
    async run(gpu, dtype) {
      const spec = { dtype, dim, dimV, qLens: [1, 1, 1], used: [100, 33, 1], pageSize: 16 };
      const paged = poisonUnused(pagedProblem(spec), NaN);
      const gathered = gather(paged);
      const got = await launch(gpu, paged, dtype, { numSplits: 3 });
      const want = await launch(gpu, gathered, dtype, { numSplits: 3 });
      return [
        ...sameSequences('gathered', [paged, got], [gathered, want]),
        ...isRight('decode', got, paged, dtype),
      ];
    },
  });
}

// Each dim compiles its own pipeline, so the quick tier runs each in one storage type.
const quickF16 = new Set<number>([8, 24, 96, 192]);

function tiersOf(dim: number): [f32: Tier, f16: Tier] {
  if (dim > 256) return [dim === 257 ? 'quick' : 'full', 'full'];
  return quickF16.has(dim) ? ['full', 'quick'] : ['quick', 'full'];
}

const headDimCases: readonly RunnableCase[] = [
  ...dims.flatMap((dim) => prefill(`prefill-${dim}`, dim, dim, tiersOf(dim))),
  ...unequal.flatMap(([dim, dimV]) =>
    prefill(`prefill-${dim}x${dimV}`, dim, dimV, [dim === 17 ? 'quick' : 'full', 'full']),
  ),
  ...dims.flatMap((dim) => decode(dim, dim)),
  ...unequal.flatMap(([dim, dimV]) => decode(dim, dimV)),
];

/** Cases of head ratios and head dims. */
export const headCases: readonly RunnableCase[] = [...gqaCases, ...headDimCases, ...latentCases];
