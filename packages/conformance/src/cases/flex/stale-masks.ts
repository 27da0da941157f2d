import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { flexLaunch, type Pair, withMods } from '../../problems/launch-flex.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { Problem } from '../../reference/reference-problem.ts';
import { type Case, defineCase } from '../case.ts';
import { isRight } from '../expect.ts';
import { blockMaskPairs } from './block-masks.ts';

/** Problems of one shape: of the lengths that a mask is made from, and of those that it is used with. */
interface Stale {
  readonly pair: Pair;
  readonly numSplits: number;
  readonly problems: (dtype: FloatDType) => readonly [made: Problem, used: Problem];
}

const base = { heads: [4, 2], dim: 16 } as const;

const packed = (made: readonly number[], used: readonly number[]): Stale => ({
  pair: blockMaskPairs.band,
  numSplits: 1,
  problems: (dtype) => [
    packedProblem({ ...base, dtype, qLens: made }),
    packedProblem({ ...base, dtype, qLens: used }),
  ],
});

/** Kernels are those of other cases of block masks. */
const stale: Readonly<Record<string, Stale>> = {
  'packed/begins-elsewhere': packed([32, 96, 128], [64, 96, 96]),
  'packed/other-lengths': packed([100, 100, 56], [56, 0, 200]),
  'paged-decode/more-keys': {
    pair: blockMaskPairs['by-batch-and-head'],
    numSplits: 3,
    problems: (dtype) => {
      const paged = { ...base, dtype, qLens: [1, 2, 1], pageSize: 16 };
      const used = pagedProblem({ ...paged, used: [300, 257, 40] });
      return [{ ...used, seqUsedK: Int32Array.of(290, 257, 0) }, used];
    },
  },
  'dense/used-keys': {
    pair: blockMaskPairs.band,
    numSplits: 1,
    problems: (dtype) =>
      [
        [290, 100, 0],
        [290, 131, 64],
      ].map((seqUsedK) =>
        denseProblem({ ...base, dtype, batch: 3, lq: 33, lk: 290, seqUsedK }),
      ) as [Problem, Problem],
  },
};

/** A BlockMask whose lengths have changed on the GPU gives what its mask gives. */
export const staleMaskCases: readonly Case[] = Object.entries(stale).flatMap(
  ([name, { pair, numSplits, problems }]) =>
    defineCase('flex-stale-masks', name, {
      f16Tier: 'full',
      tags: name.startsWith('dense') ? [] : ['browser'],
      async run(gpu, dtype) {
        const [made, used] = problems(dtype);
        const problem = withMods(poisonUnused(used, NaN), pair);
        const options = { numSplits, blockSize: 32, gpuLengths: true, madeFor: made };
        const got = await flexLaunch(gpu, problem, dtype, options);
        return isRight('stale BlockMask', got, problem, dtype);
      },
    }),
);
