import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { launchBackward, resultGradients } from '../../problems/launch-backward.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { filled, generate } from '../../reference/nd-array.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { areRight, base, type Build, gradientCase, layoutProblems } from './gradient-case.ts';

/** Sinks of every strength: −∞ (none), weak, strong. */
const options: ReferenceOptions = {
  sinks: generate([4], (h) => [-Infinity, -3, 0.5, 6][h]!),
  causal: true,
};

const { dense, ...others } = layoutProblems(options);

const sinkProblems: Readonly<Record<string, Build>> = {
  dense,
  seqused: (dtype) =>
    denseProblem({ ...base, dtype, batch: 3, lq: 9, lk: 40, seqUsedK: [0, 40, 1], options }),
  ...others,
};

const sinkCases: readonly RunnableCase[] = Object.entries(sinkProblems).flatMap(([name, build]) =>
  [false, true].flatMap((lse) =>
    gradientCase('backward-sinks', `${name}${lse ? '/with-dlse' : ''}`, build, {
      lse,
      f16Tier: name === 'dense' ? 'quick' : 'full',
      tags: name === 'packed' && lse ? ['browser'] : [],
    }),
  ),
);

const perHead: ReferenceOptions = {
  alibiSlopes: generate([4], (h) => 2 ** (-2 * (h + 1))),
  causal: true,
};
const perSequence: ReferenceOptions = { alibiSlopes: generate([3, 4], (i) => 2 ** -(i + 1)) };

/** The gradient of an ALiBi slope is the sum over all pairs of its head, of one sequence or of all. backward-dense has the dense cases. */
const slopeProblems: Readonly<Record<string, Build>> = {
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

const slopeCases: readonly RunnableCase[] = Object.entries(slopeProblems).flatMap(([name, build]) =>
  gradientCase('backward-slopes', name, build, {
    lse: true,
    tier: name.startsWith('packed') ? 'quick' : 'full',
    f16Tier: 'full',
  }),
);

const lseProblems = layoutProblems({ causal: true });

const withOut = Object.entries(lseProblems).flatMap(([name, build]) =>
  gradientCase('backward-lse', `${name}/with-dout`, build, {
    lse: true,
    f16Tier: name === 'dense' ? 'quick' : 'full',
    tags: name === 'dense' ? ['browser'] : [],
  }),
);

/** Gradients with respect to lse alone, as for a state whose merge weight is differentiated. */
const alone = Object.entries(lseProblems).flatMap(([name, build]) =>
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

const lseCases: readonly RunnableCase[] = [...withOut, ...alone];

/** Gradients of sinks and ALiBi slopes, and with respect to lse. */
export const backwardOptionCases: readonly RunnableCase[] = [
  ...sinkCases,
  ...slopeCases,
  ...lseCases,
];
