import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import type { Problem, ReferenceOptions } from '../../reference/reference-problem.ts';
import type { Case } from '../case.ts';
import { base, gradientCase } from './problem-cases.ts';

const options: ReferenceOptions = { causal: true };
const half = { ...base, dtype: 'f16', options } as const;

/** Keys and values kept as halves. */
const problems: Readonly<Record<string, Problem>> = {
  dense: denseProblem({ ...half, batch: 2, lq: 37, lk: 70 }),
  'kv-batch-1': denseProblem({ ...half, batch: 3, kvBatch: 1, lq: 20, lk: 40 }),
  packed: packedProblem({ ...half, qLens: [33, 0, 5], kLens: [40, 9, 70], spareRows: [2, 2] }),
  'paged-shared': pagedProblem({
    ...half,
    qLens: [20, 3],
    used: [40, 19],
    pageSize: 7,
    pages: 'shared',
  }),
};

/** f32 queries over f16 keys and values: dq is f32, dk and dv are f16, each as exact as its type. */
export const storageCases: readonly Case[] = Object.entries(problems).flatMap(([name, problem]) =>
  gradientCase('backward-storage', `q-f32-kv-f16/${name}`, () => problem, {
    dtypes: ['f32'],
    launch: { kvDtype: 'f16' },
    lse: true,
    tier: name === 'dense' || name === 'paged-shared' ? 'quick' : 'full',
    tags: name === 'dense' ? ['browser'] : [],
  }),
);
