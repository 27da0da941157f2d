import type { Check } from '../../budget/output-checks.ts';
import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { Scope } from '../../problems/case-tensors.ts';
import {
  backward,
  forward,
  launchBackward,
  resultGradients,
  scaled,
} from '../../problems/launch-backward.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { generate } from '../../reference/nd-array.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase, type Tier } from '../shared/case.ts';
import { areRight, base, type Build, sameGradients } from './gradient-case.ts';

const options: ReferenceOptions = { causal: true, sinks: generate([4], (h) => h - 1) };

const slopes: ReferenceOptions = {
  ...options,
  softcap: 1.5,
  alibiSlopes: generate([4], (h) => 2 ** (-2 * (h + 1))),
};

const problems: Readonly<Record<string, Build>> = {
  dense: (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 70, lk: 90, options }),
  slopes: (dtype) => denseProblem({ ...base, dtype, batch: 2, lq: 70, lk: 90, options: slopes }),
  'kv-batch-1': (dtype) =>
    denseProblem({ ...base, dtype, batch: 3, kvBatch: 1, lq: 20, lk: 40, options }),
  packed: (dtype) =>
    packedProblem({ ...base, dtype, qLens: [40, 1, 33], spareRows: [3, 3], options }),
  paged: (dtype) =>
    pagedProblem({
      ...base,
      dtype,
      qLens: [5, 20, 1],
      used: [40, 30, 70],
      pageSize: 7,
      pages: 'shared',
      options,
    }),
};

/** Repeated runs, of forward and backward and of backward alone, give the same bits. */
function repeats(name: string, build: Build, runs: number, tier: Tier): RunnableCase[] {
  return defineCase('backward-determinism', `${name}/${runs}-runs`, {
    tier,
    f16Tier: tier === 'quick' && name === 'dense' ? 'quick' : 'full',
    tags: name === 'paged' && tier === 'quick' ? ['browser'] : [],
    async run(gpu, dtype, signal) {
      const problem = poisonUnused(build(dtype), NaN);
      const by = resultGradients(problem, dtype, { lse: true });
      const first = await launchBackward(gpu, problem, by, dtype);
      const checks: Check[] = areRight('first', first, problem, by, dtype);
      const scope = new Scope(gpu);
      try {
        const result = forward(scope, problem, dtype);
        for (let run = 1; run < runs; run++) {
          signal?.throwIfAborted();
          const again = await backward(scope, result, by, dtype);
          checks.push(...sameGradients(`run ${run}`, again, first));
        }
        return checks;
      } finally {
        scope.dispose();
      }
    },
  });
}

/** Tiny and huge gradients lose no bit: backward(2ⁿ·dOut) = 2ⁿ·backward(dOut). */
const scaling = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('backward-scaling', name, {
    dtypes: ['f32'],
    tags: name === 'dense' ? ['browser'] : [],
    async run(gpu, dtype) {
      const problem = poisonUnused(build(dtype), NaN);
      const by = resultGradients(problem, dtype, { lse: true });
      const scope = new Scope(gpu);
      try {
        const result = forward(scope, problem, dtype);
        const plain = await backward(scope, result, by, dtype);
        const checks: Check[] = areRight('plain', plain, problem, by, dtype);
        for (const power of [-40, 40]) {
          const got = await backward(scope, result, scaled(by, 2 ** power), dtype);
          checks.push(...sameGradients(`2^${power}`, got, scaled(plain, 2 ** power)));
        }
        return checks;
      } finally {
        scope.dispose();
      }
    },
  }),
);

export const backwardRepeatCases: readonly RunnableCase[] = [
  ...Object.entries(problems).flatMap(([name, build]) => [
    ...repeats(name, build, 3, 'quick'),
    ...repeats(name, build, 100, 'full'),
  ]),
  ...scaling,
];
