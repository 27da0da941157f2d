import { flexAttention, type FlexOptions, planFlexAttention } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { sameRun } from '../../budget/output-checks.ts';
import { normalTable, uploadTable } from '../../problems/captured-tables.ts';
import { Scope, uploadArray } from '../../problems/case-tensors.ts';
import { flexLaunch, mods, type Pair, withMods } from '../../problems/launch-flex.ts';
import { collect, pageFormat, viewOf } from '../../problems/launch-problem.ts';
import { random } from '../../reference/seeded-random.ts';
import { type Case, defineCase } from '../case.ts';
import { isRight } from '../expect.ts';
import { inPages, rowKinds } from './problem-cases.ts';

const bias = normalTable([64], random(97));

const pair: Pair = (given) =>
  mods({
    scoreMod: (s, b, h, q, kv, c) => s + c.bias[kv]!,
    maskMod: causal,
    captures: { bias: given(bias) },
  });

type Mods = Pick<FlexOptions, 'scoreMod' | 'maskMod' | 'captures'>;

const kernels = [
  ['int8', 'decode'],
  ['int4', 'prefill'],
] as const;

/** flexAttention over quantised pages, by tensors, by a view and by a plan. */
export const modCases: readonly Case[] = kernels.flatMap(([format, rows]) =>
  defineCase('quantised-mods', `${format}/${rows}`, {
    f16Tier: 'full',
    tags: rows === 'decode' ? ['browser'] : [],
    async run(gpu, dtype) {
      const { numSplits, qLens } = rowKinds[rows];
      const spec = { dtype, dim: 16, qLens, used: [70, 33, 66, 0, 9], pageSize: 7 };
      const problem = withMods(inPages(spec, format), pair);
      const want = await flexLaunch(gpu, problem, dtype, { numSplits, gpuLengths: true });
      const scope = new Scope(gpu);
      try {
        const q = uploadArray(scope, problem.q, dtype);
        const { cuSeqlensQ = new Int32Array() } = problem;
        const given = pair((host) => uploadTable(scope, host)) as Mods;
        const view = viewOf(scope, problem, dtype);
        const options = { ...given, cuSeqlensQ, numSplits, returnLse: true };
        const viewed = await collect(scope, flexAttention(q, view, options));
        const { k, v, blockTable, seqUsedK } = view;
        const shapes = { q: q.shape, k: k.shape, v: v.shape };
        const kind = { layout: 'paged', dtype, numSplits, ...pageFormat(problem) } as const;
        const plan = scope.own(planFlexAttention(gpu, { ...kind, ...shapes, ...given }));
        const lengths = { cuSeqlensQ, blockTable, seqUsedK, returnLse: true };
        const planned = await collect(scope, plan.run({ q, k, v, ...lengths }));
        return [
          ...isRight('tensors', want, problem, dtype),
          ...sameRun('view', viewed, want),
          ...sameRun('plan', planned, want),
        ];
      } finally {
        scope.dispose();
      }
    },
  }),
);
