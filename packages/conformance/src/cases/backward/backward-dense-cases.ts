import { denseProblem, packedProblem } from '../../problems/build-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import type { RunnableCase, Tier } from '../shared/case.ts';
import { base, gradientCase } from './gradient-case.ts';

const denseGroup = 'backward-dense';

/** Query and key lengths of FlashAttention's tests. */
const lengths = [
  [113, 203],
  [128, 217],
  [108, 256],
  [203, 113],
  [256, 512],
  [1024, 1023],
] as const;

const bands: Readonly<Record<string, ReferenceOptions>> = {
  all: {},
  causal: { causal: true },
  'causal-start': { causal: true, align: 'start' },
  'window-20-5': { window: [20, 5] },
  'window-20-5-start': { window: [20, 5], align: 'start' },
  'window-30-causal': { window: [30, 0], scale: 0.4 },
};

function lengthTier(lq: number, band: string): Tier {
  return lq === 113 || (lq === 108 && band === 'causal') ? 'quick' : 'full';
}

const byLengths = lengths.flatMap(([lq, lk]) =>
  Object.entries(bands).flatMap(([band, options]) =>
    gradientCase(
      denseGroup,
      `lengths-${lq}x${lk}/${band}`,
      (dtype) => denseProblem({ dtype, lq, lk, heads: [2, 1], dim: 16, options }),
      {
        tier: lengthTier(lq, band),
        f16Tier: lq === 113 && band === 'causal' ? 'quick' : 'full',
        bf16Tier: lq === 113 && band === 'causal' ? 'quick' : 'full',
        tags: lq === 113 && band === 'causal' ? ['browser'] : [],
      },
    ),
  ),
);

const alibiSlopes = generate([4], (h) => 2 ** (-2 * (h + 1)));
const perBatch = generate([2, 4], (i) => 2 ** -(i + 1));

/** Options that change scores. Each compiles its own kernel. */
const scores: Readonly<Record<string, ReferenceOptions>> = {
  softcap: { softcap: 2 },
  alibi: { alibiSlopes },
  'alibi-per-batch': { alibiSlopes: perBatch },
  'softcap-alibi-causal': { softcap: 1.5, alibiSlopes, causal: true },
  'softcap-alibi-sinks': { softcap: 1.5, alibiSlopes, sinks: generate([4], (h) => h - 1) },
};

const byScores = Object.entries(scores).flatMap(([name, options]) =>
  gradientCase(
    denseGroup,
    `options/${name}`,
    (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 70, lk: 81, options }),
    {
      tier: name.startsWith('softcap-') ? 'quick' : 'full',
      f16Tier: 'full',
      tags: name === 'softcap-alibi-causal' ? ['browser'] : [],
    },
  ),
);

const denseCases: readonly RunnableCase[] = [...byLengths, ...byScores];

const headGroup = 'backward-gqa';
const heads = [
  [6, 3],
  [8, 1],
  [5, 5],
  [6, 1],
] as const;

/** dk and dv are sums over the query heads of their group. */
const groups = heads.flatMap(([hq, hkv]) => [
  ...gradientCase(
    headGroup,
    `dense/heads-${hq}x${hkv}`,
    (dtype) => denseProblem({ dtype, batch: 2, lq: 40, lk: 47, heads: [hq, hkv], dim: 16 }),
    { f16Tier: 'full', tags: hq === 6 && hkv === 3 ? ['browser'] : [] },
  ),
  ...gradientCase(
    headGroup,
    `packed/heads-${hq}x${hkv}`,
    (dtype) => packedProblem({ dtype, qLens: [40, 3], kLens: [47, 19], heads: [hq, hkv], dim: 16 }),
    { tier: 'full' },
  ),
]);

/** For k and v of batch 1, dk and dv are sums over the batch. */
const sharedBatch = ([2, 5] as const).flatMap((batch) =>
  gradientCase(
    headGroup,
    `kv-batch-1-of-${batch}`,
    (dtype) =>
      denseProblem({
        dtype,
        batch,
        kvBatch: 1,
        lq: 37,
        lk: 50,
        heads: [4, 2],
        dim: 16,
        options: { causal: true },
        ...(batch === 5 && { seqUsedK: [50, 0, 1, 33, 49] }),
      }),
    { f16Tier: 'full', tags: batch === 5 ? ['browser'] : [] },
  ),
);

const gqaCases: readonly RunnableCase[] = [...groups, ...sharedBatch];

const dims = [
  [7, 7],
  [9, 33],
  [33, 33],
  // The dims of FlashAttention's tests.
  [32, 32],
  [40, 40],
  [59, 59],
  [64, 64],
  [80, 80],
  [96, 96],
  [111, 111],
  [128, 128],
  [160, 160],
  [192, 192],
  [224, 224],
  [256, 256],
  [257, 257],
  [320, 320],
  [511, 511],
  [512, 512],
  [513, 513],
  [576, 576],
  [576, 512],
  [1, 576],
  [576, 1],
  [192, 128],
  [64, 24],
  [16, 40],
] as const;

// Each dim compiles three kernels: the quick tier runs one odd dim, in both storage types.
const dimTier = (dim: number): Tier => (dim === 9 ? 'quick' : 'full');

const headDimCases: readonly RunnableCase[] = dims.flatMap(([dim, dimV]) =>
  gradientCase(
    'backward-head-dims',
    dim === dimV ? `dim-${dim}` : `dim-${dim}x${dimV}`,
    (dtype) =>
      denseProblem({
        dtype,
        lq: 40,
        lk: 53,
        heads: [2, 1],
        dim,
        dimV,
        options: { causal: true },
      }),
    { tier: dimTier(dim) },
  ),
);

/** Gradients of dense calls: lengths, bands, score options, heads and head dims. */
export const backwardDenseCases: readonly RunnableCase[] = [
  ...denseCases,
  ...gqaCases,
  ...headDimCases,
];
