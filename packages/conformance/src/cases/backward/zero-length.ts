import type { Case } from '../case.ts';
import { zeroLengthProblems } from '../zero-length.ts';
import { base, gradientCase } from './problem-cases.ts';

/** What has nothing in it somewhere has the gradients of what it has. */
export const zeroLengthCases: readonly Case[] = Object.entries(zeroLengthProblems).flatMap(
  ([name, build]) =>
    gradientCase('backward-zero-length', name, (dtype) => build({ ...base, dtype }), {
      lse: true,
      f16Tier: 'full',
      tags: name === 'packed/both-sides-causal' ? ['browser'] : [],
    }),
);
