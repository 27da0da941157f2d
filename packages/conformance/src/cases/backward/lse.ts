import { launchBackward } from '../../problems/backward.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build.ts';
import { poisonUnused } from '../../problems/rearrange.ts';
import { resultGradients } from '../../problems/result-gradients.ts';
import { filled } from '../../reference/nd-array.ts';
import type { ReferenceOptions } from '../../reference/problem.ts';
import { type Case, defineCase } from '../case.ts';
import { areRight } from './expect.ts';
import { base, type Build, gradientCase } from './problem-cases.ts';

const options: ReferenceOptions = { causal: true };

const problems: Readonly<Record<string, Build>> = {
  dense: (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 70, lk: 41, options }),
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

const withOut = Object.entries(problems).flatMap(([name, build]) =>
  gradientCase('backward-lse', `${name}/with-dout`, build, {
    lse: true,
    f16Tier: name === 'dense' ? 'quick' : 'full',
    tags: name === 'dense' ? ['browser'] : [],
  }),
);

/** The gradient of lse alone: what a state has that is merged by its weight. */
const alone = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('backward-lse', `${name}/alone`, {
    f16Tier: 'full',
    async run(gpu, dtype) {
      const problem = poisonUnused(build(dtype), NaN);
      const { dOut, dLse } = resultGradients(problem, dtype, { lse: true });
      const by = { dOut: filled(dOut.shape, 0), dLse: dLse! };
      return areRight('lse', await launchBackward(gpu, problem, by, dtype), problem, by, dtype);
    },
  }),
);

export const lseCases: readonly Case[] = [...withOut, ...alone];
