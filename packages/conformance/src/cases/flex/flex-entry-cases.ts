import { BlockMask, flexAttention, type FlexOptions, type MaskMod } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { type Check, sameRun } from '../../budget/output-checks.ts';
import { cumulative, denseProblem, pagedProblem } from '../../problems/build-problem.ts';
import { guardedOut, Scope, uploadArray } from '../../problems/case-tensors.ts';
import { normalTable, placed, uploadTable } from '../../problems/host-tables.ts';
import {
  flexCall,
  flexLaunch,
  type FlexProblem,
  mods,
  type Pair,
  withMods,
} from '../../problems/launch-flex.ts';
import { collect, viewOf } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { AttentionState } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';
import { kernels, layouts } from './pair-case.ts';

const keyBias = normalTable([64], random(97));

const keyBiasPair: Pair = (given) =>
  mods({
    scoreMod: (s, b, h, q, kv, c) => s + c.bias[kv]!,
    maskMod: causal,
    captures: { bias: given(keyBias) },
  });

const paged = (dtype: FloatDType): FlexProblem =>
  withMods(
    poisonUnused(
      pagedProblem({ dtype, qLens: [3, 3, 3], used: [70, 33, 16], pageSize: 16, dim: 16 }),
      NaN,
    ),
    keyBiasPair,
  );

/** A PagedKvView gives the bits of the same pages passed as k, v, blockTable and seqUsedK. */
const view = defineCase('flex-entries', 'paged-view', {
  f16Tier: 'full',
  tags: ['browser'],
  async run(gpu, dtype) {
    const problem = paged(dtype);
    const want = await flexLaunch(gpu, problem, dtype, { numSplits: 2, gpuLengths: true });
    const scope = new Scope(gpu);
    try {
      const q = uploadArray(scope, problem.q, dtype);
      const { cuSeqlensQ = new Int32Array() } = problem;
      const given = keyBiasPair((host) => uploadTable(scope, host));
      const options = { ...given, cuSeqlensQ, numSplits: 2, returnLse: true };
      const result = flexAttention(q, viewOf(scope, problem, dtype), options as FlexOptions);
      const got = await collect(scope, result);
      return [...sameRun('view', got, want), ...isRight('block table', want, problem, dtype)];
    } finally {
      scope.dispose();
    }
  },
});

/** Only `out` is written, nothing around it, and each call of a batch keeps its own captures. */
const outAndBatch = defineCase('flex-entries', 'out-and-batch', {
  f16Tier: 'full',
  tags: ['browser'],
  async run(gpu, dtype) {
    const plain = denseProblem({ dtype, lq: 3, lk: 70, dim: 16 });
    const first = withMods(plain, keyBiasPair);
    const other = normalTable([64], random(98));
    const scope = new Scope(gpu);
    try {
      const { out, untouched } = guardedOut(scope, first.q.shape, dtype);
      const second = withMods(plain, (given) => keyBiasPair(() => given(other)));
      const results = gpu.batch(() => [
        flexCall(scope, first, dtype, { numSplits: 2, out }),
        flexCall(scope, second, dtype, { numSplits: 2 }),
      ]);
      const states: AttentionState[] = [];
      for (const [n, result] of results.entries())
        states.push(await collect(scope, result, n === 0 ? out : undefined));
      return [
        await untouched(),
        ...isRight('first', states[0]!, first, dtype),
        ...isRight('second', states[1]!, second, dtype),
      ];
    } finally {
      scope.dispose();
    }
  },
});

const entryCases: readonly RunnableCase[] = [...view, ...outAndBatch];

const cuSeqlens = cumulative([70, 0, 33, 1, 90]);
const documented = cuSeqlens.at(-1) as number;
// Rows after the last document see no key.
const L = documented + 6;

const documentOf = (row: number): number => cuSeqlens.findLastIndex((start) => row >= start);

/** The mask of the reference; the kernel gets the lengths. */
const ownDocument: MaskMod<never> = (b, h, q, kv) =>
  q >= kv && q < documented && documentOf(q) === documentOf(kv);

/** Documents packed into one sequence of dense tensors; their blocks follow from the lengths alone. */
const documentCases: readonly RunnableCase[] = ([32, 128] as const).flatMap((blockSize) =>
  defineCase('flex-documents', `block-${blockSize}`, {
    f16Tier: 'full',
    tags: ['browser'],
    async run(gpu, dtype) {
      const dense = denseProblem({ dtype, lq: L, dim: 16 });
      const problem = withMods(dense, () => ({ maskMod: ownDocument }));
      const scope = new Scope(gpu);
      try {
        const q = uploadArray(scope, dense.q, dtype);
        const k = uploadArray(scope, dense.k, dtype);
        const v = uploadArray(scope, dense.v, dtype);
        const options = { maskMod: causal, blockSize, L };
        const blockMask = scope.own(BlockMask.fromCuSeqlens(gpu, cuSeqlens, options));
        const call = { blockMask, numSplits: 3, returnLse: true };
        const got = await collect(scope, flexAttention(q, k, v, call));
        return isRight('documents', got, problem, dtype);
      } finally {
        scope.dispose();
      }
    },
  }),
);

const diagonalBias = placed(normalTable([200], random(91), 'f16'), 'middle');

/** Two captured tables: they are gathered, and the table of the mask is summarised again in each run. */
const diagonalBiasPair: Pair = (given) =>
  mods({
    scoreMod: (s, b, h, q, kv, c) => Math.tanh(s) + c.bias[q - kv + 100]!,
    maskMod: (b, h, q, kv, c) => c.other[kv]! < 1,
    captures: { bias: given(diagonalBias), other: given(normalTable([70], random(92))) },
  });

/** Repeated calls give the same bits. */
const determinismCases: readonly RunnableCase[] = kernels.flatMap(([layout, rows]) =>
  defineCase('flex-determinism', `${layout}-${rows}`, {
    tier: layout === 'packed' && rows === 'decode' ? 'quick' : 'full',
    f16Tier: 'full',
    tags: ['browser'],
    async run(gpu, dtype) {
      const checks: Check[] = [];
      for (const [p, plain] of layouts[layout][rows](dtype).entries()) {
        const problem = withMods(poisonUnused(plain, NaN), diagonalBiasPair);
        const first = await flexLaunch(gpu, problem, dtype);
        for (let run = 1; run < 4; run++)
          checks.push(
            ...sameRun(`problem ${p} run ${run}`, await flexLaunch(gpu, problem, dtype), first),
          );
      }
      return checks;
    },
  }),
);

/** Cases of ways to call flexAttention. */
export const flexEntryCases: readonly RunnableCase[] = [
  ...entryCases,
  ...documentCases,
  ...determinismCases,
];
