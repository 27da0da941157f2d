import { attention } from '@heed/kernels-wgsl';
import { holds, near } from '../../budget/output-checks.ts';
import { denseProblem, normal, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { Scope, uploadArray } from '../../problems/case-tensors.ts';
import { attentionOptions, launch } from '../../problems/launch-problem.ts';
import { filled } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { random } from '../../reference/pseudo-random.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';
import { defineCase, type RunnableCase } from '../shared/case.ts';
import { expectedFor, rightInSplits } from '../shared/expected-results.ts';

const sinks = normal([4], random(3), 'f32', 2);

const problems: Readonly<Record<string, (dtype: FloatDType) => ReferenceProblem>> = {
  dense: (dtype) => denseProblem({ dtype, batch: 2, lq: 65, lk: 97 }),
  'dense-causal': (dtype) => denseProblem({ dtype, lq: 97, lk: 65, options: { causal: true } }),
  packed: (dtype) =>
    packedProblem({ dtype, qLens: [33, 0, 1, 70], kLens: [65, 3, 0, 70], spareRows: [3, 3] }),
  paged: (dtype) => pagedProblem({ dtype, qLens: [1, 5], used: [100, 33], pageSize: 16 }),
  sinks: (dtype) =>
    packedProblem({ dtype, qLens: [33, 1, 70], kLens: [65, 0, 70], options: { sinks } }),
  'scores-large': (dtype) => denseProblem({ dtype, lq: 65, options: { scale: 20 } }),
  'scores-negative': (dtype) => denseProblem({ dtype, lq: 65, options: { scale: -3 } }),
  'scale-0': (dtype) => denseProblem({ dtype, lq: 65, options: { scale: 0 } }),
};

const againstFloat64 = Object.entries(problems).flatMap(([name, build]) =>
  defineCase('lse', name, {
    tags: ['browser'],
    run: (gpu, dtype) => rightInSplits(gpu, build(dtype), dtype, [1, 4]),
  }),
);

/** With q = 0 every score is 0, so lse is the natural log of the number of keys. */
const naturalLog = defineCase('lse', 'natural-log-of-the-key-count', {
  tags: ['browser'],
  async run(gpu, dtype) {
    const problem = denseProblem({ dtype, lq: 1, lk: 100 });
    const zero: ReferenceProblem = {
      ...problem,
      q: { shape: problem.q.shape, data: new Float32Array(problem.q.data.length) },
    };
    const got = await launch(gpu, zero, dtype);
    const { budgets } = expectedFor(zero, dtype);
    return [near('lse', got.lse, filled(got.lse.shape, Math.log(100)), budgets.lse)];
  },
});

/** lse is f32 for every storage type, has its own shape, and is returned only with returnLse. */
const presence = defineCase('lse', 'presence-shape-dtype', {
  async run(gpu, dtype) {
    const problem = denseProblem({ dtype, batch: 2, lq: 5 });
    const scope = new Scope(gpu);
    try {
      const [q, k, v] = [
        uploadArray(scope, problem.q, dtype),
        uploadArray(scope, problem.k, dtype),
        uploadArray(scope, problem.v, dtype),
      ];
      const without = attention(q, k, v);
      const given = attention(q, k, v, attentionOptions(scope, problem, {}));
      scope.own(without.out);
      scope.own(given.out);
      if (given.lse !== undefined) scope.own(given.lse);
      return [
        holds('no lse unless asked', !('lse' in without), 'got one'),
        holds('lse dtype', given.lse?.dtype === 'f32', `got ${given.lse?.dtype}`),
        holds(
          'lse shape',
          String(given.lse?.shape) === '2,4,5',
          `got [${String(given.lse?.shape)}], want [2, 4, 5]`,
        ),
        holds('out dtype', given.out.dtype === dtype, `got ${given.out.dtype}`),
        holds(
          'out shape',
          String(given.out.shape) === '2,4,5,64',
          `got [${String(given.out.shape)}]`,
        ),
      ];
    } finally {
      scope.dispose();
    }
  },
});

export const lseCases: readonly RunnableCase[] = [...againstFloat64, ...naturalLog, ...presence];
