import type { Gpu } from '@heed/core';
import { flexAttention } from '@heed/flex';
import { planAttention, varlenAttention } from '@heed/kernels-wgsl';
import { type Check, sameRun } from '../../budget/output-checks.ts';
import { Scope } from '../../problems/case-tensors.ts';
import { normalTable } from '../../problems/host-tables.ts';
import { flexLaunch, mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import {
  attentionOptions,
  collect,
  launch,
  upload,
  viewOf,
} from '../../problems/launch-problem.ts';
import { listContents, poisonUnselected, withLists } from '../../problems/selected-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';
import { layouts, listedAndMasked, perKvHead } from '../shared/selected-layouts.ts';

const group = 'selected-keys';

const bias = normalTable([4, 160], random(91));

/** A bias by distance, and a mask by position: both depend on the logical position of a key, not on its place in the list. */
const positional: Pair = (given) =>
  mods({
    scoreMod: (s, b, h, q, kv, c) => s + c.bias[h]![q - kv + 80]!,
    maskMod: (b, h, q, kv) => kv % 7 !== 3 && kv <= q + 20,
    captures: { bias: given(bias) },
  });

/** Mods see logical positions. Beside lists, a BlockMask is its maskMod: bit for bit. */
const modCases = Object.entries(layouts).flatMap(([name, build]) =>
  defineCase(group, `mods/${name}`, {
    f16Tier: 'full',
    tags: name === 'paged' ? ['browser'] : [],
    async run(gpu, dtype) {
      const listed = withLists(build(dtype, {}), perKvHead, listContents.mixed);
      const problem = withMods(poisonUnselected(listed, NaN), positional);
      const got = await flexLaunch(gpu, problem, dtype, { numSplits: 1 });
      const blocks = await flexLaunch(gpu, problem, dtype, { numSplits: 1, blockSize: 32 });
      return [...isRight('mods', got, problem, dtype), ...sameRun('as a BlockMask', blocks, got)];
    },
  }),
);

/** Lists of distinct keys, and a maskMod that reads the same choice from a table, are both right by one reference. */
const likeMask = defineCase(group, 'equals-a-mask-that-reads-the-table', {
  async run(gpu, dtype) {
    const [listed, masked] = listedAndMasked(dtype);
    return [
      ...isRight('lists', await launch(gpu, listed, dtype, { numSplits: 1 }), listed, dtype),
      ...isRight('mask', await flexLaunch(gpu, masked, dtype, { numSplits: 1 }), masked, dtype),
      ...isRight(
        'lists by the mask',
        await launch(gpu, listed, dtype, { numSplits: 1 }),
        masked,
        dtype,
      ),
    ];
  },
});

/** A view of a cache takes lists as its parts do, in both functions. */
const views = defineCase(group, 'paged-view', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const problem = withLists(layouts.paged(dtype, {}), perKvHead, listContents.mixed);
    const want = await launch(gpu, problem, dtype, { numSplits: 1 });
    const scope = new Scope(gpu);
    try {
      const { q } = upload(scope, problem, dtype);
      const view = viewOf(scope, problem, dtype);
      const cuSeqlensQ = problem.cuSeqlensQ!;
      const options = { ...attentionOptions(scope, problem, { numSplits: 1 }), cuSeqlensQ };
      const flexible = flexAttention(q, view, options as Parameters<typeof flexAttention>[2]);
      return [
        ...sameRun('view', await collect(scope, varlenAttention(q, view, options)), want),
        ...isRight('flex', await collect(scope, flexible), problem, dtype),
      ];
    } finally {
      scope.dispose();
    }
  },
});

/** A recording reads the lists anew at each replay; a plan takes lists of any length. */
const plans = defineCase(group, 'plans', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const build = (entries: number, seed: number): ReferenceProblem =>
      withLists(
        layouts.dense(dtype, {}),
        { heads: 2, entries, seed, blockSize: 3 },
        listContents.mixed,
      );
    const [first, second, longer] = [build(20, 1), build(20, 2), build(31, 3)];
    const scope = new Scope(gpu);
    try {
      const plan = scope.own(planFor(gpu, first, dtype));
      const checks: Check[] = [];
      for (const problem of [first, longer]) {
        const { selectedBlockSize: _, ...tensors } = upload(scope, problem, dtype);
        const got = await collect(scope, plan.run(tensors));
        const want = await launch(gpu, problem, dtype, { numSplits: 1 });
        checks.push(...sameRun('run', got, want));
      }
      const tensors = upload(scope, first, dtype, { gpuLengths: true });
      const recording = scope.own(plan.record(tensors));
      const { buffer, byteOffset } = tensors.selectedKeys!;
      const list = Int32Array.from(second.options.selectedKeys!.data);
      recording.replay();
      await gpu.settled();
      gpu.device.queue.writeBuffer(buffer, byteOffset, list);
      recording.replay();
      const got = await collect(scope, recording);
      return [
        ...checks,
        ...sameRun('replay', got, await launch(gpu, second, dtype, { numSplits: 1 })),
      ];
    } finally {
      scope.dispose();
    }
  },
});

function planFor(gpu: Gpu, { q, k, v, options }: ReferenceProblem, dtype: FloatDType) {
  const { selectedKeys, selectedBlockSize = 1 } = options;
  return planAttention(gpu, {
    layout: 'dense',
    dtype,
    q: q.shape,
    k: k.shape,
    v: v.shape,
    selectedKeys: selectedKeys!.shape,
    selectedBlockSize,
    numSplits: 1,
  });
}

export const flexSelectedCases: readonly RunnableCase[] = [
  ...modCases,
  ...likeMask,
  ...views,
  ...plans,
];
