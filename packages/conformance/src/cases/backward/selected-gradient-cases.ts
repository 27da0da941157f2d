import { denseProblem, normal, packedProblem } from '../../problems/build-problem.ts';
import { table } from '../../problems/host-tables.ts';
import { mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import {
  type FillList,
  listContents,
  type ListSpec,
  poisonUnselected,
  withLists,
} from '../../problems/selected-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { scales, softcaps } from '../shared/named-problems.ts';
import { base, layouts, listedAndMasked, perKvHead } from '../shared/selected-layouts.ts';
import { areRight, gradientCase, sameGradients } from './gradient-case.ts';

const group = 'backward-selected';

/** Each combination of a layout, of a number of lists and of options compiles kernels. */
const quick = [
  ...Object.keys(layouts).map((layout) => `mixed/per-kv-head/${layout}`),
  'none/per-kv-head/packed',
  'repeated/per-kv-head/packed',
  'mixed/per-query-head/packed',
  'mixed/blocks-of-3/paged',
  'mixed/options/dense',
  'mixed/dropout/dense',
];

/** Lists of one kind in every layout, with NaN in all rows of k and v that no list names. */
function contents(
  name: string,
  fill: FillList,
  lists: ListSpec,
  options: ReferenceOptions = {},
): RunnableCase[] {
  return Object.entries(layouts).flatMap(([layout, build]) =>
    gradientCase(
      group,
      `${name}/${layout}`,
      (dtype) => poisonUnselected(withLists(build(dtype, options), lists, fill), NaN),
      { f16Tier: 'full', tier: quick.includes(`${name}/${layout}`) ? 'quick' : 'full' },
    ),
  );
}

/** Every list names key 3 first, which has several chunks, and one other key. */
const oneInAll: FillList = (list, keys, source) => {
  list.fill(-1);
  list[0] = 3;
  list[1] = source.below(keys);
};

const sinks = normal([4], random(3), 'f32');
const alibiSlopes = generate([4], (h) => 0.05 * (h + 1));

/** With every key in each list, the gradients are those of plain attention. */
const everyKey = defineCase(group, 'every-key-is-plain', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const problem = denseProblem({
      ...base,
      dtype,
      batch: 2,
      lq: 9,
      lk: 40,
      options: { causal: true },
    });
    const listed = withLists(problem, { heads: 1, entries: 40 }, listContents.every);
    const by = resultGradients(problem, dtype);
    const got = await launchBackward(gpu, listed, by, dtype);
    return areRight('plain', got, problem, by, dtype);
  },
});

/** Lists of distinct keys have the gradients of a maskMod that reads the same choice from a table. */
const likeMask = defineCase(group, 'equals-a-mask-that-reads-the-table', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const [listed, masked] = listedAndMasked(dtype);
    const by = resultGradients(masked, dtype, { lse: true });
    return [
      ...areRight('lists', await launchBackward(gpu, listed, by, dtype), masked, by, dtype),
      ...areRight('mask', await launchBackward(gpu, masked, by, dtype), masked, by, dtype),
    ];
  },
});

/** A sequence's gradients do not depend on its mates. */
const mates = defineCase(group, 'mates-change-no-bit', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const problem = withLists(
      denseProblem({ ...base, dtype, batch: 3, lq: 150, lk: 20 }),
      { heads: 2, entries: 5 },
      oneInAll,
    );
    const by = resultGradients(problem, dtype);
    const all = await launchBackward(gpu, problem, by, dtype);
    const again = await launchBackward(gpu, problem, by, dtype);
    const part = <
      T extends { readonly shape: readonly number[]; readonly data: Float32Array | Float64Array },
    >(
      x: T,
    ): T => {
      const size = x.data.length / 3;
      return { ...x, shape: [1, ...x.shape.slice(1)], data: x.data.slice(size, 2 * size) };
    };
    const alone = {
      ...problem,
      q: part(problem.q),
      k: part(problem.k),
      v: part(problem.v),
      options: { ...problem.options, selectedKeys: part(problem.options.selectedKeys!) },
    };
    const own = await launchBackward(gpu, alone, { dOut: part(by.dOut) }, dtype);
    const middle = { dq: part(all.dq), dk: part(all.dk), dv: part(all.dv) };
    return [...sameGradients('again', again, all), ...sameGradients('alone', own, middle)];
  },
});

/** A score mod with a captured table and a derivative, and a mask. */
const modded: Pair = (given) =>
  mods({
    scoreMod: (s, b, h, q, kv, { bias, cap }) =>
      kv % 7 === 6 ? -Infinity : cap * Math.tanh(s / cap) + bias[h]![q - kv + 50]!,
    maskMod: (b, h, q, kv) => kv <= q + 3,
    captures: { bias: given(table([4, 101], 'f32', (i) => Math.sin(i))), cap: 1.5 },
  });

const withModsCases = (['dense', 'packed', 'paged'] as const).flatMap((layout) =>
  gradientCase(
    group,
    `mods/${layout}`,
    (dtype) =>
      withMods(
        withLists(layouts[layout](dtype, {}), { heads: 2, entries: 30 }, listContents.mixed),
        modded,
      ),
    { tier: 'full' },
  ),
);

/** Cases of the gradients of attention to selected keys. */
export const selectedGradientCases: readonly RunnableCase[] = [
  ...Object.entries(listContents).flatMap(([name, fill]) =>
    contents(`${name}/per-kv-head`, fill, perKvHead),
  ),
  ...contents('mixed/shared', listContents.mixed, { heads: 1, entries: 21 }),
  ...contents('mixed/per-query-head', listContents.mixed, { heads: 4, entries: 21 }),
  ...contents('mixed/blocks-of-3', listContents.mixed, { heads: 2, entries: 9, blockSize: 3 }),
  ...contents(
    'mixed/options',
    listContents.mixed,
    { heads: 2, entries: 30 },
    { softcap: 5, alibiSlopes, causal: true, window: [30, -1], sinks },
  ),
  ...contents(
    'mixed/dropout',
    listContents.mixed,
    { heads: 1, entries: 21 },
    { dropout: { rate: 0.3, seed: 7 } },
  ),
  ...contents(
    'mixed/learned',
    listContents.mixed,
    { heads: 1, entries: 21 },
    { scale: scales, softcap: softcaps, alibiSlopes },
  ),
  ...gradientCase(
    group,
    'one-key-in-all-lists',
    (dtype) =>
      withLists(
        denseProblem({ ...base, dtype, lq: 300, lk: 20 }),
        { heads: 2, entries: 5 },
        oneInAll,
      ),
    { f16Tier: 'full', tags: ['browser'] },
  ),
  ...gradientCase(
    group,
    'wide-heads',
    (dtype) =>
      withLists(
        packedProblem({
          dtype,
          heads: [2, 1],
          dim: 160,
          dimV: 137,
          qLens: [3, 270],
          kLens: [20, 9],
        }),
        { heads: 1, entries: 3 },
        oneInAll,
      ),
    { tier: 'full', lse: true },
  ),
  ...gradientCase(
    group,
    'kv-batch-1-of-3',
    (dtype) =>
      withLists(
        denseProblem({ ...base, dtype, batch: 3, kvBatch: 1, lq: 5, lk: 30 }),
        { heads: 2, entries: 12 },
        listContents.mixed,
      ),
    { f16Tier: 'full' },
  ),
  ...withModsCases,
  ...(['packed', 'paged'] as const).flatMap((layout) =>
    gradientCase(
      group,
      `gpu-lengths/${layout}`,
      (dtype) => withLists(layouts[layout](dtype, {}), perKvHead, listContents.mixed),
      { launch: { gpuLengths: true }, tier: 'full' },
    ),
  ),
  ...everyKey,
  ...likeMask,
  ...mates,
];
