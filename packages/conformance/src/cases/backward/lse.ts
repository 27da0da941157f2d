import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { filled } from '../../reference/nd-array.ts';
import { type Case, defineCase } from '../case.ts';
import { areRight } from './expect.ts';
import { layoutProblems } from './layout-problems.ts';
import { gradientCase } from './problem-cases.ts';

const problems = layoutProblems({ causal: true });

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
