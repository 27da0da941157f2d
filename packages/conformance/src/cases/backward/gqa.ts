import { denseProblem, packedProblem } from '../../problems/build-problem.ts';
import type { Case } from '../case.ts';
import { gradientCase } from './problem-cases.ts';

const group = 'backward-gqa';
const heads = [
  [6, 3],
  [8, 1],
  [5, 5],
  [6, 1],
] as const;

/** Keys get the sum over the query heads of their group. */
const groups = heads.flatMap(([hq, hkv]) => [
  ...gradientCase(
    group,
    `dense/heads-${hq}x${hkv}`,
    (dtype) => denseProblem({ dtype, batch: 2, lq: 40, lk: 47, heads: [hq, hkv], dim: 16 }),
    { f16Tier: 'full', tags: hq === 6 && hkv === 3 ? ['browser'] : [] },
  ),
  ...gradientCase(
    group,
    `packed/heads-${hq}x${hkv}`,
    (dtype) => packedProblem({ dtype, qLens: [40, 3], kLens: [47, 19], heads: [hq, hkv], dim: 16 }),
    { tier: 'full' },
  ),
]);

/** K and V of batch 1 get the sum over the batch. */
const sharedBatch = ([2, 5] as const).flatMap((batch) =>
  gradientCase(
    group,
    `kv-batch-1-of-${batch}`,
    (dtype) =>
      denseProblem({
        dtype,
        batch,
        kvBatch: 1,
        lq: 37,
        lk: 50,
        heads: [4, 2],
        dim: 16,
        options: { causal: true },
        ...(batch === 5 && { seqUsedK: [50, 0, 1, 33, 49] }),
      }),
    { f16Tier: 'full', tags: batch === 5 ? ['browser'] : [] },
  ),
);

export const gqaCases: readonly Case[] = [...groups, ...sharedBatch];
