import { denseProblem, packedProblem } from '../../problems/build-problem.ts';
import { launch } from '../../problems/launch-problem.ts';
import { gather, poisonUnused } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight, sameSequences } from '../shared/expected-results.ts';
import { poisons, usedLengths } from '../shared/named-problems.ts';

const slot = 128;

/** Builds the same caches as a packed tensor and as a dense tensor. */
function cache(
  layout: 'packed' | 'dense',
  used: readonly number[],
  lq: number,
  dtype: FloatDType,
  causal: boolean,
): ReferenceProblem {
  const heads = [8, 4] as const;
  const options = { causal };
  return layout === 'packed'
    ? packedProblem({
        dtype,
        heads,
        qLens: used.map(() => lq),
        kLens: used.map(() => slot),
        used,
        spareRows: [2, 3],
        options,
      })
    : denseProblem({ dtype, heads, batch: used.length, lq, lk: slot, seqUsedK: used, options });
}

/** Poisoned caches give the bits of compact keys and values, and are right. */
function poisoned(
  used: readonly number[],
  poison: keyof typeof poisons,
  lq: number,
): RunnableCase[] {
  const rows = lq === 1 ? '' : `/lq-${lq}`;
  return defineCase('seqused', `lens-${used.join('-')}${rows}/poison-${poison}`, {
    tags: poison === 'nan' ? ['browser'] : [],
    async run(gpu, dtype) {
      const checks = [];
      for (const layout of ['packed', 'dense'] as const) {
        const problem = poisonUnused(
          cache(layout, used, lq, dtype, lq > 1),
          poisons[poison](dtype),
        );
        const compact = gather(problem);
        for (const numSplits of [1, 3]) {
          const label = `${layout} numSplits=${numSplits}`;
          const got = await launch(gpu, problem, dtype, { numSplits });
          const want = await launch(gpu, compact, dtype, { numSplits });
          checks.push(...sameSequences(`${label} = compact`, [problem, got], [compact, want]));
          checks.push(...isRight(label, got, problem, dtype));
        }
        checks.push(
          ...isRight(`${layout} auto`, await launch(gpu, problem, dtype), problem, dtype),
        );
      }
      return checks;
    },
  });
}

/** Lengths on both sides of tile sizes. */
const edges = defineCase('seqused', 'tile-edges/poison-nan', {
  async run(gpu, dtype) {
    const used = [15, 16, 17, 31, 32, 33, 63, 64, 65, 95, 96, 97];
    const problem = poisonUnused(cache('packed', used, 1, dtype, false), NaN);
    const compact = gather(problem);
    const got = await launch(gpu, problem, dtype, { numSplits: 1 });
    const want = await launch(gpu, compact, dtype, { numSplits: 1 });
    return [
      ...sameSequences('compact', [problem, got], [compact, want]),
      ...isRight('slots', got, problem, dtype),
    ];
  },
});

export const seqUsedCases: readonly RunnableCase[] = [
  ...usedLengths.flatMap((used) =>
    (Object.keys(poisons) as (keyof typeof poisons)[]).flatMap((poison) =>
      poisoned(used, poison, 1),
    ),
  ),
  ...poisoned([127, 63, 33, 17], 'nan', 5),
  ...edges,
];
