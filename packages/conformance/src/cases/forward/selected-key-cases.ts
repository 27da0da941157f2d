import type { Gpu } from '@heed/core';
import { planAttention } from '@heed/kernels-wgsl';
import { type Check, sameRun } from '../../budget/output-checks.ts';
import { denseProblem, quantised } from '../../problems/build-problem.ts';
import { launch, type LaunchOptions } from '../../problems/launch-problem.ts';
import { gather } from '../../problems/rearrange-problem.ts';
import {
  type FillList,
  listContents,
  type ListSpec,
  poisonUnselected,
  withLists,
} from '../../problems/selected-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceOptions, ReferenceProblem } from '../../reference/reference-problem.ts';
import { type CaseSpec, defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight, isRightInPages, sameSequences } from '../shared/expected-results.ts';
import { base, type Build, layouts, perKvHead } from '../shared/selected-layouts.ts';
import { sharedKvProblems } from '../shared/shared-kv-problems.ts';

const group = 'selected-keys';

const { mixed } = listContents;

/** What differs from a case with lists per kv head in every layout. */
interface Variation extends Omit<CaseSpec, 'run'> {
  readonly builds?: Readonly<Record<string, Build>>;
  readonly options?: ReferenceOptions;
  readonly launches?: readonly LaunchOptions[];
}

/** Runs problems with lists, NaN in all rows that no list names, in one split and in three. */
function selectedCase(
  name: string,
  lists: ListSpec,
  fill: FillList,
  { builds = layouts, options = {}, launches, ...spec }: Variation = {},
): RunnableCase[] {
  return defineCase(group, name, {
    ...spec,
    async run(gpu, dtype) {
      const checks: Check[] = [];
      for (const [layout, build] of Object.entries(builds)) {
        const problem = poisonUnselected(withLists(build(dtype, options), lists, fill), NaN);
        for (const launched of launches ?? [{ numSplits: 1 }, { numSplits: 3 }]) {
          const got = await launch(gpu, problem, dtype, launched);
          const label = `${layout} ${JSON.stringify(launched)}`;
          checks.push(...isRightInPages(gpu, label, got, problem, dtype));
        }
      }
      return checks;
    },
  });
}

const contents = Object.entries(listContents).flatMap(([name, fill]) =>
  selectedCase(`${name}/per-kv-head`, perKvHead, fill, {
    tags: name === 'mixed' ? ['browser'] : [],
  }),
);

const sinks = generate([4], (h) => [1, -2, 0, 3][h] as number);
const alibiSlopes = generate([4], (h) => (h + 1) / 8);

const optionSets: Readonly<Record<string, ReferenceOptions>> = {
  causal: { causal: true },
  window: { window: [20, 3] },
  'causal-sinks-align-start': { causal: true, sinks, align: 'start' },
  'softcap-alibi-sinks-window-scale': {
    softcap: 5,
    alibiSlopes,
    sinks,
    window: [30, 2],
    scale: 0.3,
  },
};

const options = Object.entries(optionSets).flatMap(([name, set]) =>
  selectedCase(`options/${name}`, perKvHead, mixed, {
    options: set,
    launches: [{ numSplits: 1, returnMax: true }],
    f16Tier: 'full',
  }),
);

const { dense, packed, paged } = layouts;

const lists = [
  ...selectedCase('mixed/shared-by-all-heads', { heads: 1, entries: 33 }, mixed),
  ...selectedCase('mixed/shared-by-the-batch', { ...perKvHead, isShared: true }, mixed, {
    builds: {
      dense,
      'broadcast keys': (dtype, set) =>
        denseProblem({ ...base, dtype, batch: 3, kvBatch: 1, lq: 2, lk: 70, options: set }),
    },
  }),
  ...selectedCase('mixed/per-query-head', { heads: 4, entries: 33 }, mixed, { f16Tier: 'full' }),
  ...(['reversed', 'odd-rows', 'middle'] as const).flatMap((listPlacement) =>
    selectedCase(`mixed/strides-${listPlacement}`, perKvHead, mixed, {
      builds: { dense, packed },
      launches: [{ numSplits: 1, listPlacement }],
      f16Tier: 'full',
    }),
  ),
  ...selectedCase('mixed/gpu-lengths', perKvHead, mixed, {
    builds: { packed, paged },
    launches: [{ numSplits: 1, gpuLengths: true }],
    f16Tier: 'full',
  }),
  ...[0, 1, 32, 33].flatMap((entries) =>
    selectedCase(`every/${entries}-entries`, { heads: 2, entries }, listContents.every, {
      builds: { dense },
    }),
  ),
];

const blocks = (
  [
    [2, { dense }],
    [3, layouts],
    [64, { paged }],
  ] as const
).flatMap(([blockSize, builds]) =>
  ['mixed', 'every', 'repeated'].flatMap((name) =>
    selectedCase(
      `${name}/blocks-of-${blockSize}`,
      { heads: 2, entries: Math.ceil(80 / blockSize), blockSize },
      listContents[name as 'mixed'],
      { builds, f16Tier: 'full' },
    ),
  ),
);

/** Groups that fill a tile, and that need several. */
const groups = (
  [
    [128, 1],
    [40, 1],
    [33, 3],
    [3, 3],
  ] as const
).flatMap((heads) =>
  [1, 3].flatMap((lq) =>
    selectedCase(`mixed/heads-${heads.join('x')}/lq-${lq}`, { heads: 1, entries: 50 }, mixed, {
      builds: {
        dense: (dtype, set) => denseProblem({ dtype, heads, dim: 16, lq, lk: 90, options: set }),
      },
      launches: [{ numSplits: 1 }, {}],
      tier: lq === 1 || heads[0] === 128 ? 'quick' : 'full',
      f16Tier: 'full',
    }),
  ),
);

/** Pages of integers: the scale of a row that no list names may be NaN too. */
const integers = (['int8', 'int4'] as const).flatMap((format) =>
  selectedCase(`mixed/${format}`, perKvHead, mixed, {
    builds: { paged: (dtype, set) => quantised(paged(dtype, set), format) },
    tier: format === 'int8' ? 'quick' : 'full',
    f16Tier: 'full',
  }),
);

/** Values that are the first columns of their keys: the bits of two tensors. */
const sharedKv = Object.entries(sharedKvProblems).flatMap(([layout, build]) =>
  defineCase(group, `shared-kv/${layout}`, {
    tier: layout === 'paged' ? 'quick' : 'full',
    f16Tier: 'full',
    async run(gpu, dtype) {
      const built = withLists(build(dtype, [72, 64], 3), { heads: 1, entries: 50 }, mixed);
      const problem = poisonUnselected(built, NaN);
      const [got, want] = [
        await launch(gpu, problem, dtype, { numSplits: 1, sharedKv: 'slice' }),
        await launch(gpu, problem, dtype, { numSplits: 1, sharedKv: 'copy' }),
      ];
      return [...isRight('one memory', got, problem, dtype), ...sameRun('= two', got, want)];
    },
  }),
);

/** With every key in ascending order: the bits of attention without lists, where the kernels are of one path and tile. */
const likePlain = defineCase(group, 'every/equals-plain', {
  async run(gpu, dtype) {
    const checks: Check[] = [];
    for (const [layout, build] of Object.entries(layouts)) {
      for (const causal of [false, true]) {
        const plain = build(dtype, { causal });
        const problem = withLists(plain, perKvHead, listContents.every);
        const [got, want] = [
          await launch(gpu, problem, dtype, { numSplits: 1 }),
          await launch(gpu, plain, dtype, { numSplits: 1 }),
        ];
        const label = `${layout} causal=${causal}`;
        checks.push(...isRight(label, got, plain, dtype));
        const isSameTile = keyTile(gpu, problem, dtype) === keyTile(gpu, plain, dtype);
        if (isSameTile) checks.push(...sameRun(`${label} = plain`, got, want));
      }
    }
    return checks;
  },
});

/** Returns the path of a problem's kernel and the keys of its tiles. */
function keyTile(
  gpu: Gpu,
  { q, k, v, blockTable, options: { selectedKeys } }: ReferenceProblem,
  dtype: FloatDType,
): string {
  const layout = q.shape.length === 4 ? 'dense' : blockTable === undefined ? 'varlen' : 'paged';
  const plan = planAttention(gpu, {
    layout,
    dtype,
    q: q.shape,
    k: k.shape,
    v: v.shape,
    numSplits: 1,
    ...(selectedKeys && { selectedKeys: selectedKeys.shape }),
  });
  const [, path, keys] = /(\w+) tiles of \d+ × (\d+)/.exec(plan.describe())!;
  plan.dispose();
  return `${path} ${keys}`;
}

/** A sequence gives the same bits alone and among mates, whatever pages it has. */
const invariance = [1, 3].flatMap((numSplits) =>
  defineCase(group, `batch-invariance/splits-${numSplits}`, {
    async run(gpu, dtype) {
      const checks: Check[] = [];
      for (const [layout, build] of Object.entries(layouts)) {
        const problem = withLists(build(dtype, { causal: true }), perKvHead, mixed);
        const whole = await launch(gpu, problem, dtype, { numSplits });
        const last = layout === 'packed' ? 2 : 1;
        for (const order of [[0], [last], [last, 0, last]]) {
          const alone = gather(problem, order);
          const got = await launch(gpu, alone, dtype, { numSplits });
          const places = order.map((_, place) => place);
          const label = `${layout} ${order.join(',')}`;
          checks.push(...sameSequences(label, [alone, got, places], [problem, whole, order]));
        }
      }
      return checks;
    },
  }),
);

export const selectedKeyCases: readonly RunnableCase[] = [
  ...contents,
  ...options,
  ...lists,
  ...blocks,
  ...groups,
  ...integers,
  ...sharedKv,
  ...likePlain,
  ...invariance,
];
