import type { Gpu } from '@heed/core';
import { allowScoreError } from '../../budget/error-budgets.ts';
import { type Check, withinBudget } from '../../budget/output-checks.ts';
import { flexLaunch, type FlexProblem, type Pair, withMods } from '../../problems/launch-flex.ts';
import type { LaunchOptions } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { type Case, defineCase } from '../case.ts';
import { expectedFor } from '../expect.ts';
import { dealt, kernels, layouts, type Rows } from './layouts.ts';

/** How the cases of a group are dealt out. */
export interface Deal {
  /** Where the first pair starts in the list of dealt kernels; the next pairs follow. */
  readonly first?: number;
  /** Pairs that the quick tier leaves out: others there are like them. */
  readonly full?: readonly string[];
  /** Pairs whose quick case runs in browsers too. */
  readonly browser?: readonly string[];
  /** Pairs whose f16 twin is quick. */
  readonly f16?: readonly string[];
}

type Splits = NonNullable<LaunchOptions['numSplits']>;

// With one split, decode runs on the kernel of prefill.
const splits: Readonly<Record<Rows, readonly Splits[]>> = { prefill: [1], decode: ['auto', 3] };

/** Every way to launch a problem with one kernel, against float64. */
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
 * Each pair over each layout, for prefill and decode, with NaN in unused memory. Every one is a kernel of its own, so the
 * quick tier takes one per pair, in turn.
 */
export function pairCases(
  group: string,
  pairs: Readonly<Record<string, Pair>>,
  { first = 0, full = [], browser = [], f16 = [] }: Deal = {},
): readonly Case[] {
  let next = first;
  return Object.entries(pairs).flatMap(([name, pair]) => {
    const place = full.includes(name) ? undefined : dealt[next++ % dealt.length];
    return kernels.flatMap(([layout, rows], i) => {
      const quick = i === place;
      return defineCase(group, `${name}/${layout}-${rows}`, {
        tier: quick ? 'quick' : 'full',
        f16Tier: quick && f16.includes(name) ? 'quick' : 'full',
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
