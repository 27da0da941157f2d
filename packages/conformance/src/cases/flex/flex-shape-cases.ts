import { type Check, finite } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem } from '../../problems/build-problem.ts';
import { guardedOut, Scope } from '../../problems/case-tensors.ts';
import { normalTable } from '../../problems/host-tables.ts';
import { flexLaunch, mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase, type Tier } from '../shared/case.ts';
import { isRight, sameSequences } from '../shared/expected-results.ts';
import { attacks } from '../shared/hostile-lengths.ts';

/** The scores of neighbouring pairs differ, and tiles are full, partial and empty. */
const distinctScores: Pair = () =>
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

/** Awkward lengths and heads, which share one kernel. */
const awkward: Readonly<Record<string, (dtype: FloatDType) => ReferenceProblem>> = {
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

/** Head dims that do and do not fit vector loads. Each compiles its own kernel. */
const dims: readonly (readonly [dim: number, dimV: number])[] = [
  [1, 1],
  [17, 17],
  [24, 40],
  [64, 64],
  [94, 94],
  [121, 121],
  [128, 64],
];

function rightCase(
  name: string,
  build: (dtype: FloatDType) => ReferenceProblem,
  tier: Tier,
): RunnableCase[] {
  return defineCase('flex-shapes', name, {
    tier,
    f16Tier: 'full',
    tags: name.startsWith('lengths') ? ['browser'] : [],
    async run(gpu, dtype) {
      const problem = withMods(build(dtype), distinctScores);
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

const shapeCases: readonly RunnableCase[] = [
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

const bias = normalTable([40, 30], random(81));

/** Mods that read captured tables at the rows and positions that follow from the lengths, and a mask that prunes by position. */
const indexingPair: Pair = (given) =>
  mods({
    scoreMod: (s, b, h, q, kv, c, { qRow, kvRow }) =>
      s + c.bias[qRow + b]![kvRow]! - c.bias[q]![kv]!,
    maskMod: (b, h, q, kv, c) => q - kv < c.left && (kv & 7) !== 5,
    captures: { bias: given(bias), left: 50 },
  });

// The quick tier runs one case per layout and kind of invalid length.
const quick = ['packed/used-huge', 'packed/cu-q-unsorted', 'paged/ids-extreme', 'paged/all-max'];

/** Invalid lengths on the GPU, with mods that use them as indices: results stay finite, and rows with valid lengths are right. */
const hostileCases: readonly RunnableCase[] = Object.entries(attacks).flatMap(([name, attack]) =>
  defineCase('flex-hostile', name, {
    tier: quick.includes(name) ? 'quick' : 'full',
    f16Tier: 'full',
    tags: name === 'packed/used-huge' ? ['browser'] : [],
    async run(gpu, dtype) {
      const { problem: build, lengths: hostileLengths, honest = [] } = attack(dtype);
      const problem = withMods({ ...build(dtype), options: {} }, indexingPair);
      const scope = new Scope(gpu);
      try {
        const { out, untouched } = guardedOut(scope, problem.q.shape, dtype);
        const options = { numSplits: 3, gpuLengths: true };
        const hostile = { ...problem, ...hostileLengths };
        const got = await flexLaunch(gpu, hostile, dtype, { ...options, out });
        const truth = await flexLaunch(gpu, problem, dtype, options);
        const checks: Check[] = [await untouched(), finite('out', got.out)];
        for (const b of honest)
          checks.push(
            ...sameSequences(`honest sequence ${b}`, [problem, got, [b]], [problem, truth, [b]]),
          );
        return [...checks, ...isRight('the next call', truth, problem, dtype)];
      } finally {
        scope.dispose();
      }
    },
  }),
);

/** Cases of awkward shapes and of invalid lengths. */
export const flexShapeCases: readonly RunnableCase[] = [...shapeCases, ...hostileCases];
