import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import type { ReferenceOptions } from '../../reference/reference-problem.ts';
import { base, type Build } from './problem-cases.ts';

/** One problem of each layout; packed, sequences of no query or no key, and rows that no sequence has. */
export function layoutProblems(
  options: ReferenceOptions,
): Readonly<Record<'dense' | 'packed' | 'paged', Build>> {
  return {
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
}
