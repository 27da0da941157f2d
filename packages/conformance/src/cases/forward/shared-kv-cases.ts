import { ValidationError } from '@heed/core';
import { planAttention } from '@heed/kernels-wgsl';
import { type Check, holds, sameRun } from '../../budget/output-checks.ts';
import { quantised } from '../../problems/build-problem.ts';
import { Scope } from '../../problems/case-tensors.ts';
import { flexLaunch, mods, withMods } from '../../problems/launch-flex.ts';
import { collect, launch, upload } from '../../problems/launch-problem.ts';
import type { QuantFormat } from '../../reference/stored-rows.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';
import { sharedKvDims, sharedKvProblems } from '../shared/shared-kv-problems.ts';

/** Values in the memory of the keys give the bits of a tensor of their own, in every layout, for many rows and for few. */
const forward = Object.entries(sharedKvProblems).flatMap(([layout, build]) =>
  sharedKvDims.flatMap((pair) =>
    defineCase('shared-kv', `${layout}/dims-${pair.join('x')}`, {
      // Only decode reads the memory once, which a CPU does not take by default: test/gpu/decode-path.test.ts forces it.
      tier: layout === 'paged' && pair[0] === 72 ? 'quick' : 'full',
      f16Tier: 'full',
      tags: layout === 'paged' && pair[0] === 72 ? ['browser'] : [],
      async run(gpu, dtype) {
        const checks: Check[] = [];
        for (const [rows, counts] of [
          [37, [1]],
          [1, [1, 3]],
        ] as const) {
          const problem = build(dtype, pair, rows);
          for (const numSplits of counts) {
            const label = `${rows} rows, numSplits=${numSplits}`;
            const want = await launch(gpu, problem, dtype, { numSplits, sharedKv: 'copy' });
            const got = await launch(gpu, problem, dtype, { numSplits, sharedKv: 'slice' });
            checks.push(...sameRun(label, got, want), ...isRight(label, got, problem, dtype));
          }
        }
        return checks;
      },
    }),
  ),
);

/** In pages of integers, values have the scales of their keys. */
const integers = (['int8', 'int4'] as const).flatMap((format: QuantFormat) =>
  defineCase('shared-kv', `${format}-pages`, {
    tier: 'full',
    async run(gpu, dtype) {
      const checks: Check[] = [];
      for (const pair of [
        [80, 64],
        [33, 17],
      ] as const) {
        const built = sharedKvProblems['paged']!(dtype, pair, 1);
        const problem = quantised(built, format);
        for (const numSplits of [1, 3]) {
          const want = await launch(gpu, problem, dtype, { numSplits, sharedKv: 'copy' });
          const got = await launch(gpu, problem, dtype, { numSplits, sharedKv: 'slice' });
          checks.push(...sameRun(`${pair.join('x')}, numSplits=${numSplits}`, got, want));
        }
      }
      return checks;
    },
  }),
);

/** Mods see the same scores. */
const withMod = defineCase('shared-kv', 'score-mod', {
  tier: 'full',
  async run(gpu, dtype) {
    const built = sharedKvProblems['dense']!(dtype, [40, 40], 3);
    const problem = withMods({ ...built, options: {} }, () =>
      mods({ scoreMod: (s, b, h, q, kv) => s - Math.abs(q - kv) / 8 }),
    );
    const want = await flexLaunch(gpu, problem, dtype, { numSplits: 3, sharedKv: 'copy' });
    const got = await flexLaunch(gpu, problem, dtype, { numSplits: 3, sharedKv: 'slice' });
    return sameRun('score mod', got, want);
  },
});

/** A plan with `sharedKv` gives the bits of the plain call, and refuses values of their own. */
const plans = defineCase('shared-kv', 'plan', {
  f16Tier: 'full',
  async run(gpu, dtype) {
    const problem = sharedKvProblems['dense']!(dtype, [72, 64], 1);
    const scope = new Scope(gpu);
    try {
      const { q, k, v } = problem;
      const shapes = { layout: 'dense', q: q.shape, k: k.shape, v: v.shape } as const;
      const plan = scope.own(
        planAttention(gpu, { ...shapes, dtype, numSplits: 3, sharedKv: true }),
      );
      const shared = upload(scope, problem, dtype, { sharedKv: 'slice' });
      const got = await collect(scope, plan.run(shared));
      const want = await launch(gpu, problem, dtype, { numSplits: 3, sharedKv: 'copy' });
      let error: unknown;
      try {
        scope.own(plan.run(upload(scope, problem, dtype, { sharedKv: 'copy' })).out);
      } catch (caught) {
        error = caught;
      }
      const isRefused = error instanceof ValidationError && /sharedKv/.test(error.message);
      return [
        ...sameRun('plan', got, want),
        holds('refused', isRefused, `other values gave ${String(error)}`),
      ];
    } finally {
      scope.dispose();
    }
  },
});

/** Cases of values that are the first columns of their keys. */
export const sharedKvCases: readonly RunnableCase[] = [
  ...forward,
  ...integers,
  ...withMod,
  ...plans,
];
