import { sameRun } from '../../budget/output-checks.ts';
import { denseProblem, normal, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { launch } from '../../problems/launch-problem.ts';
import { movedOn, poisonUnused } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { isRight } from '../shared/expected-results.ts';

const problems: Readonly<Record<string, (dtype: FloatDType) => ReferenceProblem>> = {
  packed: (dtype) =>
    packedProblem({
      dtype,
      qLens: [33, 0, 1, 70],
      kLens: [40, 5, 64, 70],
      spareRows: [3, 2],
      options: { causal: true },
    }),
  'packed-used': (dtype) =>
    packedProblem({ dtype, qLens: [1, 1, 5], kLens: [64, 64, 64], used: [64, 0, 33] }),
  paged: (dtype) =>
    pagedProblem({
      dtype,
      qLens: [1, 17, 2],
      used: [100, 33, 5],
      pageSize: 16,
      options: { causal: true },
    }),
  'dense-used': (dtype) => denseProblem({ dtype, batch: 3, lq: 3, lk: 80, seqUsedK: [80, 1, 33] }),
};

/** Lengths in GPU tensors give the bits of the same lengths in host arrays. */
const sameAsHost = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('gpu-lengths', name, {
    tags: ['browser'],
    async run(gpu, dtype) {
      const problem = poisonUnused(build(dtype), NaN);
      const checks = [];
      for (const numSplits of ['auto', 1, 3] as const) {
        const host = await launch(gpu, problem, dtype, { numSplits });
        const device = await launch(gpu, problem, dtype, { numSplits, gpuLengths: true });
        // 'auto' may choose its splits by the lengths that the host knows.
        checks.push(
          ...(numSplits === 'auto' ? [] : sameRun(`numSplits=${numSplits}`, device, host)),
        );
        checks.push(...isRight(`numSplits=${numSplits}`, device, problem, dtype));
      }
      return checks;
    },
  }),
);

/** maxSeqlenQ and maxSeqlenK do not change the bits, whether too small, too large or right. */
const hints = (['packed', 'paged'] as const).flatMap((name) =>
  defineCase('gpu-lengths', `hints-${name}`, {
    async run(gpu, dtype) {
      const problem = (problems[name] as (typeof problems)[string])(dtype);
      const checks = [];
      for (const gpuLengths of [false, true]) {
        const want = await launch(gpu, problem, dtype, { numSplits: 1, gpuLengths });
        for (const [maxSeqlenQ, maxSeqlenK] of [
          [1, 1],
          [70, 100],
          [100_000, 100_000],
        ] as const) {
          const got = await launch(gpu, problem, dtype, {
            numSplits: 1,
            gpuLengths,
            maxSeqlenQ,
            maxSeqlenK,
          });
          checks.push(...sameRun(`hints ${maxSeqlenQ}, ${maxSeqlenK}`, got, want));
          const auto = await launch(gpu, problem, dtype, { gpuLengths, maxSeqlenQ, maxSeqlenK });
          checks.push(...isRight(`auto, hints ${maxSeqlenQ}, ${maxSeqlenK}`, auto, problem, dtype));
        }
      }
      return checks;
    },
  }),
);

const ownerless: typeof problems = {
  packed: (dtype) =>
    movedOn(
      packedProblem({
        dtype,
        qLens: [33, 0, 1, 70],
        kLens: [40, 5, 64, 70],
        spareRows: [40, 9],
        options: { causal: true, sinks: normal([4], random(7), 'f32') },
      }),
      [37, 4],
    ),
  // More rows before the first sequence than a tile has, and none after the last.
  paged: (dtype) =>
    movedOn(
      pagedProblem({ dtype, qLens: [1, 17, 2], used: [100, 33, 5], pageSize: 16, spareRows: 70 }),
      [70, 0],
    ),
  'no-sequences': (dtype) =>
    movedOn(packedProblem({ dtype, qLens: [], kLens: [], spareRows: [50, 3] }), [20, 1]),
};

/** Rows before the first sequence and after the last have out 0 and lse −∞. */
const ownerlessRows = Object.entries(ownerless).flatMap(([name, build]) =>
  defineCase('gpu-lengths', `rows-of-nobody/${name}`, {
    tags: ['browser'],
    async run(gpu, dtype) {
      const problem = poisonUnused(build(dtype), NaN);
      const checks = [];
      for (const numSplits of ['auto', 1, 3] as const) {
        const got = await launch(gpu, problem, dtype, { numSplits, gpuLengths: true });
        checks.push(...isRight(`numSplits=${numSplits}`, got, problem, dtype));
      }
      return checks;
    },
  }),
);

export const gpuLengthCases: readonly RunnableCase[] = [...sameAsHost, ...hints, ...ownerlessRows];
