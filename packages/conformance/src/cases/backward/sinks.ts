import { denseProblem, packedProblem, pagedProblem } from '../../problems/build.ts';
import { generate } from '../../reference/nd-array.ts';
import type { ReferenceOptions } from '../../reference/problem.ts';
import type { Case } from '../case.ts';
import { base, type Build, gradientCase } from './problem-cases.ts';

/** Every strength that a sink may have: none at all, weak, strong. */
const options: ReferenceOptions = {
  sinks: generate([4], (h) => [-Infinity, -3, 0.5, 6][h]!),
  causal: true,
};

const problems: Readonly<Record<string, Build>> = {
  dense: (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 70, lk: 41, options }),
  seqused: (dtype) =>
    denseProblem({ ...base, dtype, batch: 3, lq: 9, lk: 40, seqUsedK: [0, 40, 1], options }),
  packed: (dtype) =>
    packedProblem({
      ...base,
      dtype,
      qLens: [40, 0, 9],
      kLens: [33, 5, 0],
      spareRows: [5, 5],
      options,
    }),
  paged: (dtype) =>
    pagedProblem({ ...base, dtype, qLens: [20, 3], used: [40, 19], pageSize: 7, options }),
};

export const sinkCases: readonly Case[] = Object.entries(problems).flatMap(([name, build]) =>
  [false, true].flatMap((lse) =>
    gradientCase('backward-sinks', `${name}${lse ? '/with-dlse' : ''}`, build, {
      lse,
      f16Tier: name === 'dense' ? 'quick' : 'full',
      tags: name === 'packed' && lse ? ['browser'] : [],
    }),
  ),
);
