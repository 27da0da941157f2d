import { bind, type MaskMod } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { alibi, softcap } from '@heed/flex/mods';
import { type Check, sameRun } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { flexLaunch, mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import { launch } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { Problem, ReferenceOptions } from '../../reference/reference-problem.ts';
import { type Case, defineCase } from '../case.ts';
import { isRight } from '../expect.ts';

type Build = (dtype: FloatDType, options: ReferenceOptions) => readonly Problem[];

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

export const equalAttentionCases: readonly Case[] = [...sameMask, ...sameScore];
