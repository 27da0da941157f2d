import { slidingWindow } from '@heed/flex/masks';
import { attention, attentionVjp, planAttention, varlenAttention } from '@heed/kernels-wgsl';
import { bind } from '@heed/flex';
import { holds, sameBits, sameRun } from '../../budget/output-checks.ts';
import { denseProblem, normal, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { download, Scope } from '../../problems/case-tensors.ts';
import { flexLaunch, mods, withMods } from '../../problems/launch-flex.ts';
import { collect, launch, upload, viewOf } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';

// Above every score, below every score, and none.
const sinks = generate([4], (h) => [60, -60, -Infinity, 1][h] as number);
const alibiSlopes = normal([4], random(5), 'f32');

const problems: Readonly<Record<string, (dtype: FloatDType) => ReferenceProblem>> = {
  dense: (dtype) => denseProblem({ dtype, batch: 2, lq: 40, lk: 70 }),
  'sinks-left-out': (dtype) => denseProblem({ dtype, lq: 40, lk: 70, options: { sinks } }),
  'after-softcap-and-alibi': (dtype) =>
    denseProblem({ dtype, lq: 40, lk: 70, options: { softcap: 5, alibiSlopes, sinks } }),
  'rows-without-keys': (dtype) =>
    denseProblem({ dtype, lq: 97, lk: 65, options: { causal: true, sinks } }),
  packed: (dtype) =>
    packedProblem({ dtype, qLens: [33, 0, 1, 7], kLens: [65, 3, 0, 70], spareRows: [3, 3] }),
  paged: (dtype) => pagedProblem({ dtype, qLens: [1, 5], used: [100, 33], pageSize: 16 }),
};

/** `max` is right whatever the splits, and asking for it changes no bit of the other results. */
const againstFloat64 = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('max', name, {
    tags: ['browser'],
    async run(gpu, dtype) {
      const problem = poisonUnused(build(dtype), NaN);
      const checks = [];
      for (const numSplits of [1, 3]) {
        const got = await launch(gpu, problem, dtype, { numSplits, returnMax: true });
        checks.push(...isRight(`numSplits=${numSplits}`, got, problem, dtype));
        checks.push(
          ...sameRun('without max', got, await launch(gpu, problem, dtype, { numSplits })),
        );
      }
      return checks;
    },
  }),
);

const flexProblems = defineCase('max', 'after-mods', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const problem = withMods(denseProblem({ dtype, lq: 20, lk: 50, options: { sinks } }), () =>
      mods({
        scoreMod: (score, _b, _h, q, kv) => (kv === q ? -Infinity : score + 0.125 * kv),
        maskMod: bind(slidingWindow, { window: 8 }) as never,
      }),
    );
    const got = await flexLaunch(gpu, problem, dtype, { numSplits: 1, returnMax: true });
    return isRight('flex', got, problem, dtype);
  },
});

/** Every way of calling gives the bits of the plain call. */
const entries = defineCase('max', 'entries', {
  async run(gpu, dtype) {
    const dense = problems['sinks-left-out']!(dtype);
    const paged = problems['paged']!(dtype);
    const scope = new Scope(gpu);
    try {
      const given = { numSplits: 3, returnMax: true } as const;
      const [want, wantPaged] = [
        await launch(gpu, dense, dtype, given),
        await launch(gpu, paged, dtype, given),
      ];
      const tensors = upload(scope, dense, dtype, given);
      const { q, k, v, ...options } = tensors;
      const shapes = { q: dense.q.shape, k: dense.k.shape, v: dense.v.shape };
      const plan = scope.own(
        planAttention(gpu, { layout: 'dense', dtype, ...shapes, returnMax: true, numSplits: 3 }),
      );
      const planned = await collect(scope, plan.run(tensors));
      const only = attention(q, k, v, { ...options, returnLse: false as boolean });
      const vjp = attentionVjp(q, k, v, options);
      const view = await collect(
        scope,
        varlenAttention(upload(scope, paged, dtype).q, viewOf(scope, paged, dtype), {
          ...given,
          cuSeqlensQ: paged.cuSeqlensQ!,
          returnLse: true,
        }),
      );
      const { dq } = vjp.backward(vjp.out);
      return [
        ...sameRun('plan', planned, want),
        sameBits('plan: max', planned.max!, want.max!),
        sameBits('alone', await download(scope.own(only.max!), 'max'), want.max!),
        holds('lse', only.lse === undefined, 'it is returned without returnLse'),
        sameBits('vjp', await download(scope.own(vjp.max!), 'max'), want.max!),
        holds('gradient', dq.shape.join() === q.shape.join(), 'dq has another shape'),
        sameBits('view', view.max!, wantPaged.max!),
      ];
    } finally {
      scope.dispose();
    }
  },
});

/** Cases of returnMax. */
export const maxCases: readonly RunnableCase[] = [...againstFloat64, ...flexProblems, ...entries];
