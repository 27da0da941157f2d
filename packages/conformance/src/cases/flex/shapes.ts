import type { Check } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem } from '../../problems/build-problem.ts';
import { flexLaunch, mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { Problem } from '../../reference/reference-problem.ts';
import { type Case, defineCase, type Tier } from '../case.ts';
import { isRight } from '../expect.ts';

/** Every pair's score is its own, and tiles are full, partial and empty. */
const pair: Pair = () =>
  mods({
    scoreMod: (s, b, h, q, kv) => s + 0.25 * (((q * 7 + kv * 3 + h) & 15) - 8),
    maskMod: (b, h, q, kv, c) => q >= kv && q - kv <= c.window,
    captures: { window: 150 },
  });

const lengths: readonly (readonly [q: number, k: number])[] = [
  [1, 1],
  [31, 32],
  [33, 31],
  [113, 203],
  [203, 113],
  [239, 1],
  [3, 239],
  [243, 243],
];

/** Awkward lengths, of one kernel. */
const awkward: Readonly<Record<string, (dtype: FloatDType) => Problem>> = {
  ...Object.fromEntries(
    lengths.map(([lq, lk]) => [
      `lengths-${lq}x${lk}`,
      (dtype: FloatDType) => denseProblem({ dtype, lq, lk, heads: [2, 1], dim: 16 }),
    ]),
  ),
  'kv-batch-1-of-5': (dtype) =>
    denseProblem({ dtype, batch: 5, kvBatch: 1, lq: 20, lk: 33, heads: [6, 2], dim: 16 }),
  'heads-5x1': (dtype) => denseProblem({ dtype, lq: 33, lk: 40, heads: [5, 1], dim: 16 }),
  'heads-3x3': (dtype) => denseProblem({ dtype, lq: 33, lk: 40, heads: [3, 3], dim: 16 }),
};

/** Head dims either side of what a vector load takes, each a kernel of its own. */
const dims: readonly (readonly [dim: number, dimV: number])[] = [
  [1, 1],
  [17, 17],
  [24, 40],
  [64, 64],
  [94, 94],
  [121, 121],
  [128, 64],
];

function rightCase(name: string, build: (dtype: FloatDType) => Problem, tier: Tier): Case[] {
  return defineCase('flex-shapes', name, {
    tier,
    f16Tier: 'full',
    tags: name.startsWith('lengths') ? ['browser'] : [],
    async run(gpu, dtype) {
      const problem = withMods(build(dtype), pair);
      const checks: Check[] = [];
      for (const placement of ['contiguous', 'odd-rows'] as const) {
        if (placement === 'odd-rows' && tier === 'quick') continue;
        const got = await flexLaunch(gpu, problem, dtype, { numSplits: 1, placement });
        checks.push(...isRight(placement, got, problem, dtype));
      }
      return checks;
    },
  });
}

const ragged = rightCase(
  'packed-all-lengths',
  (dtype) =>
    packedProblem({
      dtype,
      qLens: lengths.map(([q]) => q),
      kLens: lengths.map(([, k]) => k),
      heads: [2, 1],
      dim: 16,
    }),
  'full',
);

export const shapeCases: readonly Case[] = [
  ...Object.entries(awkward).flatMap(([name, build]) => rightCase(name, build, 'quick')),
  ...ragged,
  ...dims.flatMap(([dim, dimV]) =>
    rightCase(
      `dim-${dim}x${dimV}`,
      (dtype) => denseProblem({ dtype, lq: 40, lk: 70, heads: [2, 1], dim, dimV }),
      dim === 17 ? 'quick' : 'full',
    ),
  ),
];
