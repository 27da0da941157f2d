import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import type { ListSpec } from '../../problems/selected-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceOptions, ReferenceProblem } from '../../reference/reference-problem.ts';

/** Heads and head dim of the cases of selected keys, which therefore share kernels. */
export const base = { heads: [4, 2], dim: 16 } as const;

export type Build = (dtype: FloatDType, options: ReferenceOptions) => ReferenceProblem;

/**
 * One problem per layout for lists of selected keys, with keys beyond the length in use. The packed one has sequences without rows
 * or keys; it and the paged one have rows outside every sequence. The sequences of the paged one start with the same pages.
 */
export const layouts: Readonly<Record<'dense' | 'packed' | 'paged', Build>> = {
  dense: (dtype, options) =>
    denseProblem({ ...base, dtype, batch: 2, lq: 5, lk: 70, seqUsedK: [70, 41], options }),
  packed: (dtype, options) =>
    packedProblem({
      ...base,
      dtype,
      qLens: [3, 0, 4, 2],
      kLens: [70, 5, 37, 0],
      spareRows: [2, 3],
      options,
    }),
  paged: (dtype, options) =>
    pagedProblem({
      ...base,
      dtype,
      qLens: [3, 2],
      used: [70, 41],
      pageSize: 7,
      pages: 'shared',
      spareRows: 1,
      options,
    }),
};

/** A list per kv head, with room for every key of these problems. */
export const perKvHead: ListSpec = { heads: 2, entries: 75 };
