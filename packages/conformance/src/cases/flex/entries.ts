import { flexAttention, type FlexOptions } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { sameRun } from '../../budget/output-checks.ts';
import { denseProblem, pagedProblem } from '../../problems/build-problem.ts';
import { normalTable, uploadTable } from '../../problems/captured-tables.ts';
import { guardedOut, Scope, uploadArray } from '../../problems/case-tensors.ts';
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
import type { AttentionState } from '../../reference/reference-problem.ts';
import { random } from '../../reference/seeded-random.ts';
import { type Case, defineCase } from '../case.ts';
import { isRight } from '../expect.ts';

const bias = normalTable([64], random(97));

const pair: Pair = (given) =>
  mods({
    scoreMod: (s, b, h, q, kv, c) => s + c.bias[kv]!,
    maskMod: causal,
    captures: { bias: given(bias) },
  });

const paged = (dtype: FloatDType): FlexProblem =>
  withMods(
    poisonUnused(
      pagedProblem({ dtype, qLens: [3, 3, 3], used: [70, 33, 16], pageSize: 16, dim: 16 }),
      NaN,
    ),
    pair,
  );

/** A PagedKvView gives the bits of the same pages handed over as k, v, blockTable and seqUsedK. */
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
      const given = pair((host) => uploadTable(scope, host));
      const options = { ...given, cuSeqlensQ, numSplits: 2, returnLse: true };
      const result = flexAttention(q, viewOf(scope, problem, dtype), options as FlexOptions);
      const got = await collect(scope, result);
      return [...sameRun('view', got, want), ...isRight('block table', want, problem, dtype)];
    } finally {
      scope.dispose();
    }
  },
});

/** `out` is written and nothing around it, and a call in a batch keeps its own tables and captures. */
const outAndBatch = defineCase('flex-entries', 'out-and-batch', {
  f16Tier: 'full',
  tags: ['browser'],
  async run(gpu, dtype) {
    const plain = denseProblem({ dtype, lq: 3, lk: 70, dim: 16 });
    const first = withMods(plain, pair);
    const other = normalTable([64], random(98));
    const scope = new Scope(gpu);
    try {
      const { out, untouched } = guardedOut(scope, first.q.shape, dtype);
      const second = withMods(plain, (given) => pair(() => given(other)));
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

export const entryCases: readonly Case[] = [...view, ...outAndBatch];
