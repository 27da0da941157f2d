import type { Check } from '../budget/output-checks.ts';
import {
  type BaseSpec,
  denseProblem,
  packedProblem,
  pagedProblem,
} from '../problems/build-problem.ts';
import { normalTable } from '../problems/host-tables.ts';
import { flexLaunch, mods, type Pair, withMods } from '../problems/launch-flex.ts';
import { launch } from '../problems/launch-problem.ts';
import { poisonUnused } from '../problems/rearrange-problem.ts';
import {
  listContents,
  type ListSpec,
  poisonUnselected,
  withLists,
} from '../problems/selected-problem.ts';
import { generate } from '../reference/nd-array.ts';
import type { FloatDType } from '../reference/number-types.ts';
import { random } from '../reference/pseudo-random.ts';
import type { ReferenceOptions, ReferenceProblem } from '../reference/reference-problem.ts';
import { type Build, gradientCase } from './backward/gradient-case.ts';
import { defineCase, type RunnableCase } from './shared/case.ts';
import { isRight } from './shared/expected-results.ts';

/** A problem in each layout: keys used in part, rows of no sequence, and pages with two owners. */
const layouts = {
  dense: (spec: BaseSpec) =>
    denseProblem({ ...spec, batch: 2, lq: 19, lk: 41, seqUsedK: [41, 20] }),
  packed: (spec: BaseSpec) =>
    packedProblem({
      ...spec,
      qLens: [17, 0, 5],
      kLens: [33, 5, 20],
      used: [29, 5, 20],
      spareRows: [2, 3],
    }),
  paged: (spec: BaseSpec) =>
    pagedProblem({ ...spec, qLens: [9, 3], used: [40, 19], pageSize: 7, pages: 'shared' }),
} as const satisfies Record<string, (spec: BaseSpec) => ReferenceProblem>;

type Layout = keyof typeof layouts;

const heads = [3, 1] as const;
const perHead = (...values: readonly number[]) => generate([3], (h) => values[h]!);
const alibiSlopes = perHead(0.5, 0.125, 0.02);
const sinks = perHead(1, -Infinity, 3);
const dropout = { rate: 0.3, seed: 2 ** 40 + 3 };
const lists: ListSpec = { heads: 1, entries: 30 };
const bias = normalTable([3, 101], random(17));

/** A captured table, a cap and masked scores, and a mask: all by logical position. */
const modded: Pair = (given) =>
  mods({
    scoreMod: (s, b, h, q, kv, c) =>
      kv % 7 === 6 ? -Infinity : c.cap * Math.tanh(s / c.cap) + c.bias[h]![q - kv + 50]!,
    maskMod: (b, h, q, kv) => kv <= q + 3,
    captures: { bias: given(bias), cap: 1.5 },
  });

/** What a problem has beside its shapes. */
interface Features {
  readonly options: ReferenceOptions;
  readonly lists?: ListSpec;
  readonly pair?: Pair;
}

const features: Readonly<Record<string, Features>> = {
  'softcap-alibi-window-sinks': {
    options: { softcap: 5, alibiSlopes, window: [14, 3], sinks, scale: 0.1 },
  },
  mods: { options: { sinks }, pair: modded },
  dropout: { options: { causal: true, dropout } },
  selected: { options: { causal: true }, lists },
  'selected-blocks': { options: {}, lists: { heads: 3, entries: 9, blockSize: 3 } },
  'mods-selected-dropout': { options: { dropout }, lists, pair: modded },
  'all-options': {
    options: {
      scale: perHead(0.05, -0.1, 0.2),
      softcap: generate([], () => 4),
      alibiSlopes,
      window: [25, -1],
      causal: true,
      sinks,
      dropout,
    },
    lists,
  },
};

type Dims = readonly [dim: number, dimV: number];

/** Dims that are and are not whole words and vectors, in each layout once. Every case compiles its own kernels, so it has one storage type. */
const shapes: readonly [feature: string, layout: Layout, dims: Dims, dtype: FloatDType][] = [
  ['softcap-alibi-window-sinks', 'dense', [257, 320], 'f32'],
  ['softcap-alibi-window-sinks', 'packed', [513, 511], 'bf16'],
  ['softcap-alibi-window-sinks', 'paged', [512, 512], 'f16'],
  ['mods', 'dense', [511, 511], 'f16'],
  ['mods', 'packed', [320, 257], 'f32'],
  ['mods', 'paged', [576, 512], 'f32'],
  ['dropout', 'dense', [513, 513], 'f16'],
  ['dropout', 'packed', [512, 512], 'f32'],
  ['dropout', 'paged', [257, 320], 'f32'],
  ['selected', 'dense', [513, 511], 'f32'],
  ['selected', 'packed', [576, 512], 'f16'],
  ['selected', 'paged', [320, 257], 'f32'],
  ['selected-blocks', 'paged', [511, 513], 'bf16'],
  ['mods-selected-dropout', 'packed', [257, 257], 'f32'],
  ['mods-selected-dropout', 'paged', [320, 320], 'f16'],
  ['all-options', 'dense', [511, 257], 'f32'],
  ['all-options', 'paged', [576, 512], 'bf16'],
];

/** Returns a builder of the problem, with NaN in memory that no sequence or list names. */
function buildOf(
  { options, lists: spec, pair }: Features,
  layout: Layout,
  [dim, dimV]: Dims,
): Build {
  return (dtype) => {
    const plain = layouts[layout]({ dtype, heads, dim, dimV, options });
    const listed = spec
      ? poisonUnselected(withLists(plain, spec, listContents.mixed), NaN)
      : poisonUnused(plain, NaN);
    return pair ? withMods(listed, pair) : listed;
  };
}

/** Head dims above 256 beside every option, forward in one split and in three, and backward with a gradient by lse. */
export const wideHeadCases: readonly RunnableCase[] = shapes.flatMap(
  ([feature, layout, dims, dtype]) => {
    const build = buildOf(features[feature]!, layout, dims);
    const name = `${feature}/${layout}/dims-${dims.join('x')}`;
    const forward = defineCase('wide-heads', name, {
      tier: 'full',
      dtypes: [dtype],
      async run(gpu) {
        const problem = build(dtype);
        const checks: Check[] = [];
        for (const numSplits of [1, 3]) {
          const got =
            'pair' in problem
              ? await flexLaunch(gpu, problem, dtype, { numSplits })
              : await launch(gpu, problem, dtype, { numSplits });
          checks.push(...isRight(`numSplits=${numSplits}`, got, problem, dtype));
        }
        return checks;
      },
    });
    const backward = gradientCase('backward-wide-heads', name, build, {
      tier: 'full',
      dtypes: [dtype],
      lse: true,
    });
    return [...forward, ...backward];
  },
);
