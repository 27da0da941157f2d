import { causal } from '@heed/flex/masks';
import { planFlexAttention } from '@heed/flex';
import { planAttention } from '@heed/kernels-wgsl';
import { type Check, sameRun } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { Scope } from '../../problems/case-tensors.ts';
import { flexLaunch, mods, withMods } from '../../problems/launch-flex.ts';
import { collect, launch, upload } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';
import { scales, softcaps } from '../shared/named-problems.ts';

const ofAllHeads = (x: number) => generate([], () => x);
const alibiSlopes = generate([4], (h) => 2 ** -(h + 1));
const sinks = generate([4], (h) => [3, -60, -Infinity, 1][h] as number);

const problems: Readonly<Record<string, (dtype: FloatDType) => ReferenceProblem>> = {
  'scale-per-head': (dtype) =>
    denseProblem({ dtype, batch: 2, lq: 40, lk: 70, options: { scale: scales } }),
  'scale-of-all-heads': (dtype) =>
    denseProblem({ dtype, lq: 40, lk: 70, options: { scale: ofAllHeads(0.3), causal: true } }),
  'softcap-per-head': (dtype) =>
    denseProblem({ dtype, lq: 40, lk: 70, options: { softcap: softcaps } }),
  'all-options': (dtype) =>
    denseProblem({
      dtype,
      lq: 40,
      lk: 70,
      options: { scale: scales, softcap: ofAllHeads(5), alibiSlopes, sinks, window: [20, 3] },
    }),
  packed: (dtype) =>
    packedProblem({
      dtype,
      qLens: [33, 0, 1],
      kLens: [65, 3, 0],
      spareRows: [3, 3],
      options: { scale: scales, softcap: softcaps },
    }),
  'paged-decode': (dtype) =>
    pagedProblem({
      dtype,
      qLens: [1, 1],
      used: [170, 40],
      pageSize: 16,
      options: { scale: scales, softcap: softcaps, causal: true },
    }),
};

const quick = ['scale-per-head', 'all-options', 'paged-decode'];

const againstFloat64 = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('learned', name, {
    tier: quick.includes(name) ? 'quick' : 'full',
    f16Tier: name === 'scale-per-head' ? 'quick' : 'full',
    tags: name === 'all-options' ? ['browser'] : [],
    async run(gpu, dtype) {
      const problem = poisonUnused(build(dtype), NaN);
      const checks: Check[] = [];
      for (const numSplits of [1, 3]) {
        const got = await launch(gpu, problem, dtype, { numSplits });
        checks.push(...isRight(`numSplits=${numSplits}`, got, problem, dtype));
      }
      return checks;
    },
  }),
);

/** In flexAttention the score mod gets the score that the scale has made. */
const flex = defineCase('learned', 'scale-before-mods', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const problem = withMods(
      denseProblem({ dtype, lq: 40, lk: 70, options: { scale: scales, sinks } }),
      () =>
        mods({
          scoreMod: (score, _b, _h, q, kv) => (kv === q ? -Infinity : score * 0.5 + 0.125 * kv),
          maskMod: causal,
        }),
    );
    return isRight('flex', await flexLaunch(gpu, problem, dtype, { numSplits: 1 }), problem, dtype);
  },
});

/** A plan that says of which kind they are gives the bits of the call. */
const plans = defineCase('learned', 'plan', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const problem = problems['all-options']!(dtype);
    const scope = new Scope(gpu);
    try {
      const want = await launch(gpu, problem, dtype, { numSplits: 1 });
      const shapes = { q: problem.q.shape, k: problem.k.shape, v: problem.v.shape };
      const kinds = { scale: 'tensor', softcap: 'tensor', alibiSlopes: true } as const;
      const plan = scope.own(
        planAttention(gpu, { layout: 'dense', dtype, ...shapes, ...kinds, numSplits: 1 }),
      );
      const tensors = upload(scope, problem, dtype);
      const { softcap: _, alibiSlopes: __, window: ___, ...flexTensors } = tensors;
      const flexPlan = scope.own(
        planFlexAttention(gpu, {
          layout: 'dense',
          dtype,
          ...shapes,
          scale: 'tensor',
          maskMod: causal,
          numSplits: 1,
        }),
      );
      const { sinks: given, scale } = problem.options;
      const causalProblem = { ...problem, options: { sinks: given!, scale: scale!, causal: true } };
      const planned = await collect(scope, flexPlan.run(flexTensors));
      return [
        ...sameRun('plan', await collect(scope, plan.run(tensors)), want),
        ...isRight('plan of flexAttention', planned, causalProblem, dtype),
      ];
    } finally {
      scope.dispose();
    }
  },
});

/** Cases of a scale and a softcap that are tensors. */
export const learnedCases: readonly RunnableCase[] = [...againstFloat64, ...flex, ...plans];
