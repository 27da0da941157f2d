import { packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import type { Case } from '../case.ts';
import { layoutProblems } from './layout-problems.ts';
import { base, type Build, gradientCase } from './problem-cases.ts';

const perHead: ReferenceOptions = {
  alibiSlopes: generate([4], (h) => 2 ** (-2 * (h + 1))),
  causal: true,
};
const perSequence: ReferenceOptions = { alibiSlopes: generate([3, 4], (i) => 2 ** -(i + 1)) };

/** Slopes get the sum over all pairs of their head, of one sequence or of all; dense ones are among backward-dense. */
const problems: Readonly<Record<string, Build>> = {
  packed: layoutProblems(perHead).packed,
  'packed/per-sequence': (dtype) =>
    packedProblem({ ...base, dtype, qLens: [40, 1, 9], kLens: [33, 5, 20], options: perSequence }),
  'paged/per-sequence': (dtype) =>
    pagedProblem({
      ...base,
      dtype,
      qLens: [20, 3, 1],
      used: [40, 19, 0],
      pageSize: 7,
      options: perSequence,
    }),
};

export const slopeCases: readonly Case[] = Object.entries(problems).flatMap(([name, build]) =>
  gradientCase('backward-slopes', name, build, {
    lse: true,
    tier: name.startsWith('packed') ? 'quick' : 'full',
    f16Tier: 'full',
  }),
);
