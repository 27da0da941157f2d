import { denseProblem } from '../../problems/build-problem.ts';
import type { Case } from '../case.ts';
import { poisons } from '../lists.ts';
import { base, gradientCase } from './problem-cases.ts';

const used = [
  [127, 63, 33, 17],
  [0, 128, 1, 64],
] as const;

/** Rows beyond the used length have gradient 0, whatever they hold. */
export const seqUsedCases: readonly Case[] = used.flatMap((lengths) =>
  (Object.keys(poisons) as (keyof typeof poisons)[]).flatMap((poison) =>
    gradientCase(
      'backward-seqused',
      `lens-${lengths.join('-')}/poison-${poison}`,
      (dtype) =>
        denseProblem({
          ...base,
          dtype,
          batch: 4,
          lq: 9,
          lk: 128,
          seqUsedK: lengths,
          options: { causal: true },
        }),
      {
        poison: poisons[poison],
        f16Tier: poison === 'nan' && lengths[0] === 127 ? 'quick' : 'full',
        tags: poison === 'nan' && lengths[0] === 0 ? ['browser'] : [],
      },
    ),
  ),
);
