import {
  andMasks,
  bind,
  type Captures,
  type MaskMod,
  notMask,
  orMasks,
  type ScoreMod,
} from '@heed/flex';
import {
  catalogue,
  type CatalogueEntry,
  type ExampleTable,
  tableElements,
} from '@heed/flex/catalogue';
import { blockDiagonal, causal, prefixLm, slidingWindow } from '@heed/flex/masks';
import { alibi, softcap } from '@heed/flex/mods';
import { type Check, sameRun } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { type HostTable, table } from '../../problems/host-tables.ts';
import { flexLaunch, mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import { launch } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceOptions, ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';
import { pairCases } from './pair-case.ts';

const source = random(61);

function hostTable(example: ExampleTable): HostTable {
  const elements = tableElements(example, () => source.normal());
  return table(example.shape, example.dtype, (flat) => elements[flat] as number);
}

type HostCaptures = Readonly<Record<string, number | boolean | HostTable>>;

/** Returns the captures of an entry's first case, with tables on the host. */
const hostCaptures = ({ cases }: CatalogueEntry): HostCaptures =>
  Object.fromEntries(
    Object.entries(cases[0]?.captures ?? {}).map(([name, value]) => [
      name,
      typeof value === 'object' ? hostTable(value) : value,
    ]),
  );

/** Mods with random tables, in a fixed order. Other entries draw after them, so that a new entry changes none of their tables. */
const drawn = ['absoluteBias', 'headGate', 'relativeBias'];
const age = ({ name }: CatalogueEntry): number =>
  drawn.includes(name) ? drawn.indexOf(name) : drawn.length;

const captured = new Map<string, HostCaptures>(
  catalogue.toSorted((a, b) => age(a) - age(b)).map((entry) => [entry.name, hostCaptures(entry)]),
);

/** Returns the pair of an entry. Every second one has its captures bound; the others pass them with the call. */
function catalogued({ name, kind, mod }: CatalogueEntry, index: number): Pair {
  const role = kind === 'score' ? 'scoreMod' : 'maskMod';
  return (given) => {
    const captures = Object.fromEntries(
      Object.entries(captured.get(name) ?? {}).map(([key, value]) => [
        key,
        typeof value === 'object' ? given(value) : value,
      ]),
    );
    if (index % 2 === 0) return { [role]: mod, captures };
    return { [role]: bind(mod as ScoreMod<Captures>, captures) };
  };
}

const kebab = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** Entries that came after the others were dealt their kernels. They come last, so that they move no other. */
const later = ['t5Bias', 'gaussianBias'];

const shipped = catalogue
  .toSorted((a, b) => later.indexOf(a.name) - later.indexOf(b.name))
  .map((entry, index) => ({ name: kebab(entry.name), pair: catalogued(entry, index) }));

const slopeTable = table([4], 'f32', (h) => 2 ** (-2 * (h + 1)));
const prefix = table([4], 'i32', (b) => [20, 0, 64, 7][b] as number);

/** A combination of mods and masks. */
const composed: Pair = (given) =>
  mods({
    scoreMod: bind(alibi, { slopes: given(slopeTable) }),
    maskMod: andMasks(
      orMasks(bind(slidingWindow, { window: 12 }), bind(prefixLm, { prefix: given(prefix) })),
      notMask(bind(blockDiagonal, { blockSize: 8 })),
    ),
  });

/** Every mod and mask that ships with @heed/flex, and a combination of several. */
const libraryCases: readonly RunnableCase[] = [
  ...pairCases('flex-library', Object.fromEntries(shipped.map(({ name, pair }) => [name, pair])), {
    first: 3,
    browser: shipped.map(({ name }) => name).filter((_, n) => n % 2 === 1),
  }),
  ...pairCases('flex-library', { composed }, { first: 18, browser: ['composed'] }),
];

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
  // Same kernel as above: the limits are captured numbers.
  'window-40-0': [
    { window: [40, 0] },
    () => mods({ maskMod: window, captures: { left: 40, right: 0 } }),
  ],
};

const quick = ['causal/dense/1', 'window-9-4/packed/1', 'window-40-0/packed/1'];

/** flexAttention gives the bits of attention() for a mask that both can express: the same sums in the same order. */
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

/** A score option as a function rounds in another order, so it stays within the budget of the option. */
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
