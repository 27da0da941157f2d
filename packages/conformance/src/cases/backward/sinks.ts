import { denseProblem } from '../../problems/build-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import type { Case } from '../case.ts';
import { layoutProblems } from './layout-problems.ts';
import { base, type Build, gradientCase } from './problem-cases.ts';

/** Every strength that a sink may have: none at all, weak, strong. */
const options: ReferenceOptions = {
  sinks: generate([4], (h) => [-Infinity, -3, 0.5, 6][h]!),
  causal: true,
};

const { dense, ...others } = layoutProblems(options);

const problems: Readonly<Record<string, Build>> = {
  dense,
  seqused: (dtype) =>
    denseProblem({ ...base, dtype, batch: 3, lq: 9, lk: 40, seqUsedK: [0, 40, 1], options }),
  ...others,
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
