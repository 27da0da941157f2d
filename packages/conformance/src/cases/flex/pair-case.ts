import type { Gpu } from '@heed/core';
import { allowScoreError } from '../../budget/error-budgets.ts';
import { type Check, withinBudget } from '../../budget/output-checks.ts';
import { denseProblem, normal, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { flexLaunch, type FlexProblem, type Pair, withMods } from '../../problems/launch-flex.ts';
import type { LaunchOptions } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { expectedFor } from '../shared/expected-results.ts';

/** The layout of keys. Each layout, with many query rows or few, compiles its own kernel. */
export type Layout = 'dense' | 'packed' | 'paged';
export type Rows = 'prefill' | 'decode';

/** Problems that share one kernel: lengths, alignment and pages are data of a call. */
export type Problems = (dtype: FloatDType) => readonly ReferenceProblem[];

const base = { heads: [4, 2], dim: 16 } as const;
const start = { align: 'start' } as const;
const sinks = normal([4], random(5), 'f32');

const densePrefill: Problems = (dtype) => [
  denseProblem({ ...base, dtype, batch: 2, lq: 70, lk: 101 }),
  denseProblem({ ...base, dtype, batch: 2, kvBatch: 1, lq: 67, lk: 35, options: start }),
  // More queries than keys: positions start below 0.
  denseProblem({ ...base, dtype, heads: [4, 1], lq: 75, lk: 40, options: { sinks } }),
  denseProblem({ ...base, dtype, batch: 3, lq: 40, lk: 90, seqUsedK: [33, 0, 77] }),
];

const packedPrefill: Problems = (dtype) => [
  packedProblem({
    ...base,
    dtype,
    qLens: [33, 0, 1, 70],
    kLens: [65, 3, 0, 70],
    spareRows: [3, 3],
  }),
  packedProblem({
    ...base,
    dtype,
    qLens: [40, 35],
    kLens: [70, 33],
    used: [66, 1],
    options: start,
  }),
];

const pagedPrefill: Problems = (dtype) => [
  pagedProblem({ ...base, dtype, qLens: [40, 3, 0, 34], used: [70, 0, 9, 33], pageSize: 16 }),
  pagedProblem({ ...base, dtype, qLens: [5, 40], used: [50, 38], pageSize: 7, options: start }),
  pagedProblem({ ...base, dtype, qLens: [33, 2], used: [40, 20], pageSize: 1 }),
];

const denseDecode: Problems = (dtype) => [
  denseProblem({ ...base, dtype, batch: 2, lq: 1, lk: 131 }),
  denseProblem({ ...base, dtype, heads: [8, 2], batch: 3, lq: 2, lk: 80, seqUsedK: [80, 0, 33] }),
];

const packedDecode: Problems = (dtype) => [
  packedProblem({
    ...base,
    dtype,
    qLens: [1, 1, 0, 2],
    kLens: [131, 0, 5, 40],
    options: { sinks },
  }),
];

const pagedDecode: Problems = (dtype) => [
  pagedProblem({ ...base, dtype, qLens: [1, 1, 1], used: [131, 33, 0], pageSize: 16 }),
  pagedProblem({ ...base, dtype, qLens: [1, 3], used: [40, 66], pageSize: 7, options: start }),
];

export const layouts: Readonly<Record<Layout, Readonly<Record<Rows, Problems>>>> = {
  dense: { prefill: densePrefill, decode: denseDecode },
  packed: { prefill: packedPrefill, decode: packedDecode },
  paged: { prefill: pagedPrefill, decode: pagedDecode },
};

export const kernels: readonly (readonly [Layout, Rows])[] = [
  ['dense', 'prefill'],
  ['packed', 'decode'],
  ['paged', 'prefill'],
  ['dense', 'decode'],
  ['packed', 'prefill'],
  ['paged', 'decode'],
];

/**
 * Indices in `kernels`, in the order in which the quick tier assigns them to pairs. Most are decode kernels: those of prefill take
 * the compiler of a software adapter more than twice as long.
 */
const dealt: readonly number[] = [0, 1, 5, 3, 2, 1, 5, 3, 4, 1, 5, 3];

/** How the cases of a group are distributed over tiers and kernels. */
interface Deal {
  /** The index in `dealt` of the first pair's kernel; the next pairs follow. */
  readonly first?: number;
  /** Pairs that the quick tier leaves out, because others resemble them. */
  readonly full?: readonly string[];
  /** Pairs whose quick case also runs in browsers. */
  readonly browser?: readonly string[];
  /** Pairs whose f16 twin is quick. */
  readonly f16?: readonly string[];
  /** Pairs whose bf16 twin is quick. */
  readonly bf16?: readonly string[];
}

type Splits = NonNullable<LaunchOptions['numSplits']>;

// With one split, decode would run the prefill kernel.
const splits: Readonly<Record<Rows, readonly Splits[]>> = { prefill: [1], decode: ['auto', 3] };

/** Runs a problem with each number of splits and checks it against float64. */
export async function rightBySplits(
  gpu: Gpu,
  problem: FlexProblem,
  dtype: FloatDType,
  numSplits: readonly Splits[],
  label = '',
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const count of numSplits) {
    const got = await flexLaunch(gpu, problem, dtype, { numSplits: count });
    const want = allowScoreError(expectedFor(problem, dtype), problem.v, problem.scoreError);
    checks.push(...withinBudget(`${label}numSplits=${count}`, got, want));
  }
  return checks;
}

/**
 * Declares cases of each pair over each layout, for prefill and decode, with NaN in unused memory. Each compiles its own kernel, so
 * the quick tier runs one kernel per pair, in turn.
 */
export function pairCases(
  group: string,
  pairs: Readonly<Record<string, Pair>>,
  { first = 0, full = [], browser = [], f16 = [], bf16 = [] }: Deal = {},
): readonly RunnableCase[] {
  let next = first;
  return Object.entries(pairs).flatMap(([name, pair]) => {
    const place = full.includes(name) ? undefined : dealt[next++ % dealt.length];
    return kernels.flatMap(([layout, rows], i) => {
      const quick = i === place;
      return defineCase(group, `${name}/${layout}-${rows}`, {
        tier: quick ? 'quick' : 'full',
        f16Tier: quick && f16.includes(name) ? 'quick' : 'full',
        bf16Tier: quick && bf16.includes(name) ? 'quick' : 'full',
        tags: browser.includes(name) ? ['browser'] : [],
        async run(gpu, dtype, signal) {
          const checks: Check[] = [];
          for (const [p, plain] of layouts[layout][rows](dtype).entries()) {
            signal?.throwIfAborted();
            const problem = withMods(poisonUnused(plain, NaN), pair);
            const counts = quick ? splits[rows] : [...splits[rows], 1];
            checks.push(...(await rightBySplits(gpu, problem, dtype, counts, `problem ${p} `)));
          }
          return checks;
        },
      });
    });
  });
}
