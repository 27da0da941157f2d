import { denseProblem, normal, packedProblem } from '../../problems/build-problem.ts';
import { launch } from '../../problems/launch-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import type { NdArray } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase, type Tier } from '../shared/case.ts';
import { isRight, rightInSplits } from '../shared/expected-results.ts';
import { zeroLengthProblems } from '../shared/named-problems.ts';

const lengths = [1, 31, 32, 33, 113, 203, 239, 799, 1023] as const;

/** Query and key lengths of FlashAttention's tests. */
const pairs = [
  [113, 203],
  [239, 1],
  [799, 3],
  [3, 799],
  [1, 239],
  [127, 512],
  [127, 513],
  [1023, 1024],
] as const;

function attends(name: string, lq: number, lk: number, tier: Tier): RunnableCase[] {
  return defineCase('lengths', name, {
    tier,
    tags: lq * lk < 20_000 ? ['browser'] : [],
    async run(gpu, dtype) {
      const checks = [];
      for (const causal of [true, false]) {
        const problem = denseProblem({
          dtype,
          lq,
          lk,
          heads: lq * lk > 100_000 ? [1, 1] : [2, 1],
          options: { causal },
        });
        checks.push(
          ...isRight(`causal=${causal}`, await launch(gpu, problem, dtype), problem, dtype),
        );
      }
      return checks;
    },
  });
}

/** All lengths in one packed batch, so that tiles of different sequences share one grid. */
const ragged = defineCase('lengths', 'packed-all', {
  async run(gpu, dtype) {
    const problem = packedProblem({
      dtype,
      qLens: lengths.slice(0, 7),
      heads: [2, 1],
      options: { causal: true },
    });
    return isRight('packed', await launch(gpu, problem, dtype), problem, dtype);
  },
});

const crossLengthCases: readonly RunnableCase[] = [
  ...lengths.flatMap((n) => attends(`self-${n}`, n, n, 'quick')),
  ...pairs.flatMap(([lq, lk]) =>
    attends(`cross-${lq}x${lk}`, lq, lk, lq * lk > 60_000 ? 'full' : 'quick'),
  ),
  ...ragged,
];

const zeroLengthCases: readonly RunnableCase[] = Object.entries(zeroLengthProblems).flatMap(
  ([name, build]) =>
    defineCase('zero-length', name, {
      tags: ['browser'],
      run: (gpu, dtype) => rightInSplits(gpu, build({ dtype }), dtype, ['auto', 1, 3]),
    }),
);

const sinks = (heads: number): NdArray => normal([heads], random(7), 'f32');

/** Rows that see no key give out 0 and lse −∞, or the sink if there is one. */
const problems: Readonly<Record<string, (dtype: FloatDType) => ReferenceProblem>> = {
  'causal-lq-over-lk': (dtype) =>
    denseProblem({ dtype, lq: 70, lk: 20, options: { causal: true } }),
  'causal-lq-over-lk-sinks': (dtype) =>
    denseProblem({ dtype, lq: 70, lk: 20, options: { causal: true, sinks: sinks(4) } }),
  'window-past-the-keys': (dtype) =>
    denseProblem({ dtype, lq: 90, lk: 10, options: { window: [3, 3], align: 'start' } }),
  'window-before-the-keys': (dtype) =>
    denseProblem({ dtype, lq: 90, lk: 10, options: { window: [3, 3] } }),
  'window-sinks': (dtype) =>
    denseProblem({
      dtype,
      lq: 90,
      lk: 10,
      options: { window: [3, 3], align: 'start', sinks: sinks(4) },
    }),
  'used-0-sinks': (dtype) =>
    denseProblem({
      dtype,
      batch: 3,
      lq: 2,
      lk: 40,
      seqUsedK: [0, 40, 1],
      options: { sinks: sinks(4) },
    }),
  'packed-sinks-rows-in-no-sequence': (dtype) =>
    packedProblem({
      dtype,
      qLens: [4, 40],
      kLens: [0, 33],
      spareRows: [5, 5],
      options: { causal: true, sinks: sinks(4) },
    }),
  'packed-causal-ragged': (dtype) =>
    packedProblem({
      dtype,
      qLens: [40, 3, 65, 1],
      kLens: [3, 40, 1, 65],
      options: { causal: true },
    }),
};

const emptyRowCases: readonly RunnableCase[] = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('empty-rows', name, {
    tags: ['browser'],
    run: (gpu, dtype) => rightInSplits(gpu, poisonUnused(build(dtype), NaN), dtype, [1, 2, 'auto']),
  }),
);

/** Cases of query and key lengths from 0 to 1,023, and of rows without keys. */
export const lengthCases: readonly RunnableCase[] = [
  ...crossLengthCases,
  ...zeroLengthCases,
  ...emptyRowCases,
];
