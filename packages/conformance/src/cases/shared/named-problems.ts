import {
  type BaseSpec,
  denseProblem,
  packedProblem,
  pagedProblem,
} from '../../problems/build-problem.ts';
import { generate, type NdArray } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';

/** Problems with an empty dimension, sequence or side. */
export const zeroLengthProblems: Readonly<Record<string, (base: BaseSpec) => ReferenceProblem>> = {
  'packed/query-side': (base) =>
    packedProblem({ ...base, qLens: [0, 5, 0, 33, 0], kLens: [7, 5, 64, 40, 9] }),
  'packed/key-side': (base) =>
    packedProblem({ ...base, qLens: [3, 5, 1, 33], kLens: [0, 9, 0, 0] }),
  'packed/both-sides': (base) =>
    packedProblem({ ...base, qLens: [0, 5, 0, 33, 2], kLens: [0, 0, 7, 33, 0] }),
  'packed/both-sides-causal': (base) =>
    packedProblem({
      ...base,
      qLens: [0, 5, 0, 33, 2],
      kLens: [0, 0, 7, 33, 0],
      options: { causal: true },
    }),
  'packed/all-empty': (base) => packedProblem({ ...base, qLens: [0, 0, 0], kLens: [0, 0, 0] }),
  'packed/no-sequences': (base) => packedProblem({ ...base, qLens: [] }),
  'packed/rows-in-no-sequence': (base) =>
    packedProblem({ ...base, qLens: [0, 4], kLens: [0, 4], spareRows: [6, 2] }),
  'packed/only-rows-in-no-sequence': (base) =>
    packedProblem({ ...base, qLens: [], spareRows: [9, 9] }),
  'packed/used-0': (base) =>
    packedProblem({ ...base, qLens: [1, 1, 4], kLens: [16, 16, 16], used: [0, 16, 0] }),
  'paged/used-0': (base) =>
    pagedProblem({ ...base, qLens: [1, 3, 2], used: [0, 20, 0], pageSize: 16 }),
  'dense/batch-0': (base) => denseProblem({ ...base, batch: 0, lq: 4 }),
  'dense/lq-0': (base) => denseProblem({ ...base, lq: 0, lk: 9 }),
  'dense/lk-0': (base) => denseProblem({ ...base, lq: 9, lk: 0 }),
  'dense/lq-0-lk-0': (base) => denseProblem({ ...base, lq: 0, lk: 0 }),
  'dense/heads-0': (base) => denseProblem({ ...base, lq: 4, heads: [0, 1] }),
  'dense/used-0': (base) =>
    denseProblem({ ...base, batch: 3, lq: 2, lk: 40, seqUsedK: [0, 40, 0] }),
};

/** The `seqused_k` lists of PyTorch's test_seqused_k_kv_cache, for a capacity of 128 rows. */
export const usedLengths: readonly (readonly number[])[] = [
  [32, 64, 96, 48],
  [1, 1, 1, 1],
  [128, 128, 128, 128],
  [1, 128, 1, 128],
  [127, 63, 33, 17],
];

/** Values for unused memory. Each spreads differently through a kernel that reads it. */
export const poisons = {
  nan: (): number => NaN,
  inf: (): number => Infinity,
  huge: (dtype: FloatDType): number => (dtype === 'f16' ? 65504 : 3e38),
} as const;

/** Scales per head: of both signs, and none. */
export const scales: NdArray = generate([4], (h) => [0.125, -0.3, 0, 0.5][h] as number);

export const softcaps: NdArray = generate([4], (h) => [1, 5, 30, 0.5][h] as number);
