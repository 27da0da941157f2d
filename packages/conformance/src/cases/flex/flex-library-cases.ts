import { andMasks, bind, type MaskMod, notMask, orMasks } from '@heed/flex';
import {
  blockDiagonal,
  causal,
  dilatedWindow,
  document,
  globalPlusWindow,
  natten2d,
  prefixLm,
  sharedPrefix,
  slidingWindow,
  tree,
} from '@heed/flex/masks';
import { absoluteBias, alibi, headGate, relativeBias, softcap } from '@heed/flex/mods';
import { type Check, sameRun } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { normalTable, table } from '../../problems/captured-tables.ts';
import { flexLaunch, mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import { launch } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceProblem, ReferenceOptions } from '../../reference/reference-problem.ts';
import { random } from '../../reference/seeded-random.ts';
import { type RunnableCase, defineCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';
import { pairCases } from './pair-case.ts';

const source = random(61);
const slopeTable = table([4], 'f32', (h) => 2 ** (-2 * (h + 1)));
const bias = normalTable([2, 1, 64, 96], source);
const gate = normalTable([4], source);
const relative = normalTable([4, 41], source);
const prefix = table([4], 'i32', (b) => [20, 0, 64, 7][b] as number);
const id = table([131], 'i32', (i) => Math.floor(i / 23));
// Each node's parent comes before it.
const parents = Array.from({ length: 20 }, (_, node) => source.below(Math.max(1, node)));
const ancestors = table([20, 1], 'i32', (node) => ancestorBits(node));

function ancestorBits(node: number): number {
  return 2 ** node + (node === 0 ? 0 : ancestorBits(parents[node] as number));
}

/** Every mod and mask that ships with @heed/flex, and how they combine. */
const pairs: Readonly<Record<string, Pair>> = {
  alibi: (given) => mods({ scoreMod: alibi, captures: { slopes: given(slopeTable) } }),
  softcap: () => mods({ scoreMod: bind(softcap, { cap: 2 }) }),
  'relative-bias': (given) =>
    mods({ scoreMod: relativeBias, captures: { bias: given(relative), maxDistance: 20 } }),
  'absolute-bias': (given) => mods({ scoreMod: absoluteBias, captures: { bias: given(bias) } }),
  'head-gate': (given) => mods({ scoreMod: headGate, captures: { gate: given(gate) } }),
  causal: () => mods({ maskMod: causal }),
  'sliding-window': () => mods({ maskMod: bind(slidingWindow, { window: 21 }) }),
  'dilated-window': () => mods({ maskMod: bind(dilatedWindow, { window: 40, dilation: 3 }) }),
  'prefix-lm': (given) => mods({ maskMod: prefixLm, captures: { prefix: given(prefix) } }),
  document: (given) => mods({ maskMod: bind(document, { id: given(id) }) }),
  'global-plus-window': () => mods({ maskMod: bind(globalPlusWindow, { globals: 3, window: 9 }) }),
  'shared-prefix': (given) =>
    mods({ maskMod: sharedPrefix, captures: { prefix: 17, id: given(id) } }),
  'block-diagonal': () => mods({ maskMod: blockDiagonal, captures: { blockSize: 24 } }),
  tree: (given) => mods({ maskMod: tree, captures: { ancestors: given(ancestors) } }),
  natten2d: () => mods({ maskMod: natten2d, captures: { height: 11, width: 9, kernel: 5 } }),
  composed: (given) =>
    mods({
      scoreMod: bind(alibi, { slopes: given(slopeTable) }),
      maskMod: andMasks(
        orMasks(bind(slidingWindow, { window: 12 }), bind(prefixLm, { prefix: given(prefix) })),
        notMask(bind(blockDiagonal, { blockSize: 8 })),
      ),
    }),
};

const libraryCases: readonly RunnableCase[] = pairCases('flex-library', pairs, {
  first: 3,
  browser: Object.keys(pairs).filter((_, n) => n % 2 === 1),
});

type Build = (dtype: FloatDType, options: ReferenceOptions) => readonly ReferenceProblem[];

const problems: Readonly<Record<string, Build>> = {
  dense: (dtype, options) => [
    denseProblem({ dtype, batch: 2, lq: 70, lk: 101, options }),
    denseProblem({ dtype, lq: 101, lk: 70, options: { ...options, align: 'start' } }),
  ],
  packed: (dtype, options) => [
    packedProblem({ dtype, qLens: [33, 0, 70], kLens: [65, 9, 40], spareRows: [3, 3], options }),
    packedProblem({ dtype, qLens: [40, 1], kLens: [80, 40], used: [66, 0], options }),
  ],
  paged: (dtype, options) => [
    pagedProblem({ dtype, qLens: [40, 3], used: [70, 33], pageSize: 16, options }),
    pagedProblem({ dtype, qLens: [5], used: [50], pageSize: 7, options }),
  ],
};

const window: MaskMod<{ left: number; right: number }> = (b, h, q, kv, { left, right }) =>
  kv >= q - left && kv <= q + right;

/** A mask as an option of attention(), and as a function. */
const masks: Readonly<Record<string, readonly [ReferenceOptions, Pair]>> = {
  causal: [{ causal: true }, () => mods({ maskMod: causal })],
  'window-9-4': [{ window: [9, 4] }, () => mods({ maskMod: bind(window, { left: 9, right: 4 }) })],
  // The same kernel as above: the bounds are captured numbers.
  'window-40-0': [
    { window: [40, 0] },
    () => mods({ maskMod: window, captures: { left: 40, right: 0 } }),
  ],
};

const quick = ['causal/dense/1', 'window-9-4/packed/1', 'window-40-0/packed/1'];

/** Where both can say it, flexAttention gives the bits of attention(): the same sums in the same order. */
const sameMask = Object.entries(masks).flatMap(([name, [options, pair]]) =>
  Object.entries(problems).flatMap(([layout, build]) =>
    ([1, 3] as const).flatMap((numSplits) =>
      defineCase('flex-equals-attention', `${name}/${layout}/numSplits-${numSplits}`, {
        tier: quick.includes(`${name}/${layout}/${numSplits}`) ? 'quick' : 'full',
        f16Tier: name === 'causal' && layout === 'dense' && numSplits === 3 ? 'quick' : 'full',
        tags: layout === 'dense' ? ['browser'] : [],
        async run(gpu, dtype) {
          const checks: Check[] = [];
          for (const [p, built] of build(dtype, options).entries()) {
            const plain = poisonUnused(built, NaN);
            const { causal: _, window: __, ...rest } = plain.options;
            const problem = withMods({ ...plain, options: rest }, pair);
            const want = await launch(gpu, plain, dtype, { numSplits });
            const got = await flexLaunch(gpu, problem, dtype, { numSplits });
            checks.push(...sameRun(`problem ${p}`, got, want));
            checks.push(...isRight(`problem ${p}`, got, problem, dtype));
          }
          return checks;
        },
      }),
    ),
  ),
);

const slopes = generate([4], (h) => 2 ** (-2 * (h + 1)));

/** A score option as a function: the same kind of rounding, not the same order, so within the option's own budget. */
const scores: Readonly<Record<string, readonly [ReferenceOptions, Pair]>> = {
  alibi: [
    { alibiSlopes: slopes },
    (given) =>
      mods({ scoreMod: alibi, captures: { slopes: given({ values: slopes, dtype: 'f32' }) } }),
  ],
  softcap: [{ softcap: 2 }, () => mods({ scoreMod: softcap, captures: { cap: 2 } })],
};

const sameScore = Object.entries(scores).flatMap(([name, [options, pair]]) =>
  Object.entries(problems).flatMap(([layout, build]) =>
    defineCase('flex-equals-attention', `${name}/${layout}`, {
      tier: 'full',
      async run(gpu, dtype) {
        const checks: Check[] = [];
        for (const [p, built] of build(dtype, options).entries()) {
          const plain = poisonUnused(built, NaN);
          const { alibiSlopes: _, softcap: __, ...rest } = plain.options;
          const problem = withMods({ ...plain, options: rest }, pair);
          const got = await flexLaunch(gpu, problem, dtype, { numSplits: 1 });
          const built_in = await launch(gpu, plain, dtype, { numSplits: 1 });
          checks.push(...isRight(`problem ${p} flex`, got, plain, dtype));
          checks.push(...isRight(`problem ${p} option`, built_in, plain, dtype));
        }
        return checks;
      },
    }),
  ),
);

const equalAttentionCases: readonly RunnableCase[] = [...sameMask, ...sameScore];

/** Cases of the mods and masks that ship, and of options written as functions. */
export const flexLibraryCases: readonly RunnableCase[] = [...libraryCases, ...equalAttentionCases];
