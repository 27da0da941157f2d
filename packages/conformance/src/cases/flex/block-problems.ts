import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import type { Layout, Problems, Rows } from './layouts.ts';

const start = { align: 'start' } as const;
const base = { heads: [4, 2], dim: 16 } as const;

/**
 * Longer than the largest block, so that there are whole blocks of every class; some with more columns than fit a word
 * of the planes.
 */
export const blockProblems: Readonly<Record<Layout, Readonly<Record<Rows, Problems>>>> = {
  dense: {
    prefill: (dtype) => [
      denseProblem({ ...base, dtype, batch: 2, lq: 170, lk: 290 }),
      denseProblem({ ...base, dtype, lq: 150, lk: 130, options: start }),
      denseProblem({ ...base, dtype, batch: 3, lq: 33, lk: 290, seqUsedK: [290, 0, 131] }),
    ],
    decode: (dtype) => [
      denseProblem({ ...base, dtype, batch: 2, lq: 1, lk: 1300 }),
      denseProblem({
        ...base,
        dtype,
        heads: [4, 1],
        batch: 2,
        lq: 3,
        lk: 200,
        seqUsedK: [97, 200],
      }),
    ],
  },
  packed: {
    prefill: (dtype) => [
      packedProblem({
        ...base,
        dtype,
        qLens: [140, 0, 33],
        kLens: [290, 5, 33],
        spareRows: [3, 3],
      }),
      packedProblem({
        ...base,
        dtype,
        qLens: [5, 129],
        kLens: [60, 280],
        used: [0, 270],
        options: start,
      }),
    ],
    decode: (dtype) => [packedProblem({ ...base, dtype, qLens: [1, 2, 1], kLens: [290, 40, 0] })],
  },
  paged: {
    prefill: (dtype) => [
      pagedProblem({ ...base, dtype, qLens: [140, 2], used: [290, 40], pageSize: 16 }),
      pagedProblem({
        ...base,
        dtype,
        qLens: [3, 100],
        used: [0, 133],
        pageSize: 7,
        options: start,
      }),
    ],
    decode: (dtype) => [
      pagedProblem({ ...base, dtype, qLens: [1, 2, 1], used: [1300, 33, 0], pageSize: 16 }),
    ],
  },
};
