import type { Gpu } from '@heed/core';
import * as flex from '@heed/flex';
import { topKeys } from '@heed/kernels-wgsl';
import { type Check, sameBits } from '../../budget/output-checks.ts';
import {
  denseProblem,
  packedProblem,
  pagedProblem,
  quantised,
} from '../../problems/build-problem.ts';
import { Scope, uploadArray } from '../../problems/case-tensors.ts';
import {
  lengthsOf,
  type LaunchOptions,
  pageFormat,
  upload,
} from '../../problems/launch-problem.ts';
import { recordOutput } from '../../problems/output-hashes.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { generate, type NdArray } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceOptions, ReferenceProblem } from '../../reference/reference-problem.ts';
import {
  bestEntries,
  type EntryScores,
  referenceTopKeys,
  type TopKeysProblem,
} from '../../reference/reference-top-keys.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';

/** Runs topKeys, of flex if the problem has mods, and reads the lists back. */
async function listsOf(
  gpu: Gpu,
  problem: TopKeysProblem,
  dtype: FloatDType,
  options: LaunchOptions = {},
): Promise<NdArray> {
  const scope = new Scope(gpu);
  try {
    const { topK, blockSize = 1, weights, ...plain } = problem;
    const { scoreMod, maskMod, causal, window, align } = plain.options;
    const { q, k } = upload(scope, { ...plain, options: {} }, dtype, options);
    const shared = {
      topK,
      blockSize,
      ...(weights && { weights: uploadArray(scope, weights, dtype) }),
      ...(align && { align }),
      ...pageFormat(problem),
      ...lengthsOf(scope, problem, options),
    };
    const mods = { ...(scoreMod && { scoreMod }), ...(maskMod && { maskMod }) };
    const band = { ...(causal && { causal }), ...(window && { window }) };
    const hasMods = scoreMod !== undefined || maskMod !== undefined;
    const lists = scope.own(
      hasMods
        ? flex.topKeys(q, k, { ...shared, ...(mods as object) })
        : topKeys(q, k, { ...shared, ...band }),
    );
    const data = await lists.read();
    recordOutput(gpu, 'keys', data);
    return { shape: [...lists.shape], data: Float64Array.from(data) };
  } finally {
    scope.dispose();
  }
}

/** Checks lists of scores that are exact in f32: every tie counts. */
async function isExact(
  label: string,
  gpu: Gpu,
  problem: TopKeysProblem,
  dtype: FloatDType,
  options?: LaunchOptions,
): Promise<Check> {
  return sameBits(label, await listsOf(gpu, problem, dtype, options), referenceTopKeys(problem));
}

/** Checks lists of any scores: entries whose scores are closer than their rounding may be in either order. */
async function isNear(gpu: Gpu, problem: TopKeysProblem, dtype: FloatDType): Promise<Check> {
  const got = await listsOf(gpu, problem, dtype);
  const { topK } = problem;
  const want = referenceTopKeys(problem, (scores, row) => {
    const list = [...got.data.subarray(row * topK, (row + 1) * topK)];
    return mayBe(list, scores) ? list : bestEntries(scores, topK);
  });
  return sameBits('keys', got, want);
}

// Sums of some hundred products of magnitude 10 in f32.
const SLACK = 1e-3;

function mayBe(list: readonly number[], scores: EntryScores): boolean {
  const entries = list.filter((entry) => entry >= 0);
  const isListed = new Set(entries);
  const isAscending = entries.every((entry, n) => n === 0 || entry > entries[n - 1]!);
  const isShort = list.indexOf(-1);
  const isPadded = isShort < 0 || list.slice(isShort).every((entry) => entry === -1);
  const isFull = entries.length === Math.min(list.length, scores.size);
  if (!isAscending || !isPadded || !isFull) return false;
  const least = Math.min(...entries.map((entry) => scores.get(entry) ?? -Infinity));
  return [...scores].every(([entry, score]) => isListed.has(entry) || score <= least + SLACK);
}

/** Replaces q, k and makes weights: small integers, whose scores are exact in f32 and often equal. */
function inIntegers(
  problem: ReferenceProblem,
  rest: Pick<TopKeysProblem, 'topK' | 'blockSize'>,
): TopKeysProblem {
  const source = random(11);
  const integers = (shape: readonly number[]): NdArray =>
    generate(shape, () => Math.round(1.5 * source.normal()));
  const { q, k } = problem;
  const [b, h, l] = q.shape as [number, number, number];
  const weights = integers(q.shape.length === 4 ? [b, h, l] : [b, h]);
  return { ...problem, q: integers(q.shape), k: integers(k.shape), weights, ...rest };
}

interface Named {
  readonly build: (dtype: FloatDType) => TopKeysProblem;
  readonly tier?: 'full';
  readonly tags?: readonly string[];
}

const heads = [2, 1] as const;
const dense = (dtype: FloatDType, lq: number, lk: number, options: ReferenceOptions = {}) =>
  denseProblem({ dtype, batch: 2, lq, lk, heads, dim: 8, options });
const packed = { qLens: [5, 0, 40, 1, 3], kLens: [9, 4, 70, 0, 33], heads, dim: 8 } as const;
const causal = { causal: true } as const;

const exact: Readonly<Record<string, Named>> = {
  causal: {
    build: (dtype) => inIntegers(dense(dtype, 40, 70, causal), { topK: 9 }),
    tags: ['browser'],
  },
  'one-key': { build: (dtype) => inIntegers(dense(dtype, 5, 70, causal), { topK: 1 }) },
  'more-than-there-are': {
    build: (dtype) => inIntegers(dense(dtype, 33, 20, causal), { topK: 33 }),
  },
  window: {
    build: (dtype) => inIntegers(dense(dtype, 33, 97, { window: [20, 4] }), { topK: 8 }),
  },
  'align-start': {
    build: (dtype) => inIntegers(dense(dtype, 20, 70, { ...causal, align: 'start' }), { topK: 8 }),
    tier: 'full',
  },
  'batch-1-of-keys': {
    build: (dtype) =>
      inIntegers(denseProblem({ dtype, batch: 3, kvBatch: 1, lq: 4, lk: 40, heads, dim: 8 }), {
        topK: 6,
      }),
    tier: 'full',
  },
  seqused: {
    build: (dtype) =>
      inIntegers({ ...dense(dtype, 6, 70, causal), seqUsedK: Int32Array.of(33, 3) }, { topK: 8 }),
  },
  'blocks-of-16': {
    build: (dtype) => inIntegers(dense(dtype, 20, 170, causal), { topK: 4, blockSize: 16 }),
    tags: ['browser'],
  },
  'blocks-of-5': {
    build: (dtype) => inIntegers(dense(dtype, 20, 71, causal), { topK: 20, blockSize: 5 }),
    tier: 'full',
  },
  'heads-64': {
    build: (dtype) =>
      inIntegers(denseProblem({ dtype, lq: 3, lk: 70, heads: [64, 1], dim: 8, options: causal }), {
        topK: 16,
      }),
  },
  packed: {
    build: (dtype) =>
      inIntegers(packedProblem({ dtype, ...packed, spareRows: [3, 3], options: causal }), {
        topK: 7,
      }),
    tags: ['browser'],
  },
  'packed-blocks': {
    build: (dtype) =>
      inIntegers(packedProblem({ dtype, ...packed, options: causal }), { topK: 3, blockSize: 8 }),
    tier: 'full',
  },
  paged: {
    build: (dtype) =>
      inIntegers(
        pagedProblem({
          dtype,
          qLens: [1, 0, 6],
          used: [100, 5, 33],
          pageSize: 7,
          heads,
          dim: 8,
          options: causal,
        }),
        { topK: 9 },
      ),
    tags: ['browser'],
  },
};

const exactCases = Object.entries(exact).flatMap(([name, { build, ...rest }]) =>
  defineCase('top-keys', name, {
    ...rest,
    f16Tier: 'full',
    async run(gpu, dtype) {
      const problem = build(dtype);
      // Rows that no sequence uses may hold anything.
      const poisoned = { ...problem, ...poisonUnused(problem, NaN) };
      const checks = [await isExact('keys', gpu, poisoned, dtype)];
      if (problem.cuSeqlensQ) {
        checks.push(
          await isExact('lengths on the GPU', gpu, poisoned, dtype, { gpuLengths: true }),
        );
      }
      return checks;
    },
  }),
);

/** NaN comes last, equal scores go by position, and both zeros are equal. */
const special = defineCase('top-keys', 'nan-and-ties', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const checks: Check[] = [];
    for (const topK of [1, 5, 20, 40]) {
      const problem = denseProblem({ dtype, lq: 2, lk: 40, heads, dim: 8 });
      const k = generate(problem.k.shape, (at) => [1, NaN, -0, 1, 0][(at >> 3) % 5]!);
      const q = generate(problem.q.shape, (at) => (at % 8 === 0 ? 1 : 0));
      const signs = generate([1, 2, 2], (at) => (at < 2 ? 1 : -1));
      for (const weights of [undefined, signs]) {
        const of = { ...problem, q, k, topK, ...(weights && { weights }) };
        checks.push(await isExact(`topK=${topK}`, gpu, of, dtype));
      }
    }
    return checks;
  },
});

/** Scores 1 + n · 2⁻²³, which differ in their last bits only. */
const lastBits = defineCase('top-keys', 'last-bits', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const problem = denseProblem({ dtype, lq: 2, lk: 70, heads, dim: 8 });
    const elements = (first: number, second: (row: number) => number) => (at: number) =>
      [first, second(at >> 3)][at % 8] ?? 0;
    const k = generate(
      problem.k.shape,
      elements(1, (j) => ((j * 29) % 70) * 2 ** -10),
    );
    const q = generate(
      problem.q.shape,
      elements(0.5, () => 2 ** -14),
    );
    return [await isExact('keys', gpu, { ...problem, q, k, topK: 31 }, dtype)];
  },
});

const near: Readonly<Record<string, (dtype: FloatDType) => TopKeysProblem>> = {
  'head-dim-64': (dtype) => ({
    ...denseProblem({ dtype, batch: 2, lq: 20, lk: 130, heads: [4, 1], options: causal }),
    topK: 24,
  }),
  'head-dim-17': (dtype) => ({
    ...denseProblem({ dtype, lq: 5, lk: 70, heads: [3, 1], dim: 17, options: causal }),
    topK: 10,
  }),
  'pages-of-int8': (dtype) => ({
    ...quantised(
      pagedProblem({ dtype, qLens: [3, 4], used: [90, 40], pageSize: 16, heads, dim: 32 }),
      'int8',
    ),
    topK: 12,
  }),
};

const nearCases = Object.entries(near).flatMap(([name, build]) =>
  defineCase('top-keys', name, {
    f16Tier: 'full',
    run: async (gpu, dtype) => [await isNear(gpu, build(dtype), dtype)],
  }),
);

const flexCases = defineCase('top-keys', 'mods', {
  tags: ['browser'],
  f16Tier: 'full',
  async run(gpu, dtype) {
    const mods: ReferenceOptions = {
      scoreMod: (score, _b, h, q, kv) => (kv === q - 3 ? -Infinity : score * score - 2 * h * kv),
      maskMod: (_b, h, q, kv) => (h === 0 ? kv <= q : kv <= q - 20),
    };
    const plain = inIntegers(dense(dtype, 20, 60, mods), { topK: 9 });
    const rows = { ...packed, options: mods };
    const ragged = inIntegers(packedProblem({ dtype, ...rows }), { topK: 9 });
    return [await isExact('dense', gpu, plain, dtype), await isExact('packed', gpu, ragged, dtype)];
  },
});

/** Cases of topKeys. */
export const topKeysCases: readonly RunnableCase[] = [
  ...exactCases,
  ...special,
  ...lastBits,
  ...nearCases,
  ...flexCases,
];
