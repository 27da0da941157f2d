import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ProblemLengths, ReferenceProblem } from '../../reference/reference-problem.ts';

const max = 2 ** 31 - 1;
const min = -(2 ** 31);

/** Builds a packed problem whose sequences use different parts of their capacity. */
export const packed = (dtype: FloatDType): ReferenceProblem =>
  packedProblem({
    dtype,
    qLens: [5, 1, 33, 9],
    kLens: [40, 64, 40, 33],
    used: [33, 40, 40, 9],
    options: { causal: true },
  });
/** Builds a paged problem with four block table entries per sequence. */
export const paged = (dtype: FloatDType): ReferenceProblem =>
  pagedProblem({ dtype, qLens: [5, 1, 2, 9], used: [33, 40, 17, 9], pageSize: 16 });
const dense = (dtype: FloatDType): ReferenceProblem =>
  denseProblem({ dtype, batch: 4, lq: 3, lk: 70, seqUsedK: [70, 40, 9, 1] });

/** A problem, the lengths that replace its own on the GPU, and the sequences whose lengths stay valid. */
export interface Attack {
  readonly problem: (dtype: FloatDType) => ReferenceProblem;
  readonly lengths: ProblemLengths;
  readonly honest?: readonly number[];
}

const table = (dtype: FloatDType, change: (entries: Int32Array) => void): Int32Array => {
  const entries = Int32Array.from(paged(dtype).blockTable ?? []);
  change(entries);
  return entries;
};

/** Invalid lengths, which the host cannot check on the GPU: negative, huge, unsorted, out of range. */
export const attacks: Readonly<Record<string, (dtype: FloatDType) => Attack>> = {
  'packed/used-negative': () => ({
    problem: packed,
    lengths: { seqUsedK: Int32Array.of(-1, 40, min, 9) },
    honest: [1, 3],
  }),
  'packed/used-huge': () => ({
    problem: packed,
    lengths: { seqUsedK: Int32Array.of(33, max, 40, 1 << 20) },
    honest: [0, 2],
  }),
  'packed/cu-q-unsorted': () => ({
    problem: packed,
    lengths: { cuSeqlensQ: Int32Array.of(0, 40, 6, 39, 48) },
  }),
  'packed/cu-q-falling': () => ({
    problem: packed,
    lengths: { cuSeqlensQ: Int32Array.of(48, 39, 6, 5, 0) },
  }),
  'packed/cu-q-negative': () => ({
    problem: packed,
    lengths: { cuSeqlensQ: Int32Array.of(-7, -1, min, 9, 48) },
  }),
  'packed/cu-q-huge': () => ({
    problem: packed,
    lengths: { cuSeqlensQ: Int32Array.of(0, 5, max, max, max) },
  }),
  'packed/cu-q-past-the-end': () => ({
    problem: packed,
    lengths: { cuSeqlensQ: Int32Array.of(0, 5, 6, 39, 1000) },
    honest: [0, 1, 2],
  }),
  'packed/cu-k-unsorted': () => ({
    problem: packed,
    lengths: { cuSeqlensK: Int32Array.of(0, 170, 20, 144, 3) },
  }),
  'packed/cu-k-negative': () => ({
    problem: packed,
    lengths: { cuSeqlensK: Int32Array.of(-9, min, 20, -1, 177) },
  }),
  'packed/cu-k-huge': () => ({
    problem: packed,
    lengths: { cuSeqlensK: Int32Array.of(0, max, max - 1, max, max) },
  }),
  'packed/all-min': () => ({ problem: packed, lengths: allLengths(min) }),
  'packed/all-max': () => ({ problem: packed, lengths: allLengths(max) }),
  'dense/used-negative': () => ({
    problem: dense,
    lengths: { seqUsedK: Int32Array.of(-1, 40, min, 1) },
    honest: [1, 3],
  }),
  'dense/used-huge': () => ({
    problem: dense,
    lengths: { seqUsedK: Int32Array.of(71, 40, max, 1) },
    honest: [1, 3],
  }),
  'paged/used-negative': () => ({
    problem: paged,
    lengths: { seqUsedK: Int32Array.of(-1, 40, min, 9) },
    honest: [1, 3],
  }),
  'paged/used-past-capacity': () => ({
    problem: paged,
    lengths: { seqUsedK: Int32Array.of(33, max, 17, 65) },
    honest: [0, 2],
  }),
  'paged/ids-out-of-range': (dtype) => ({
    problem: paged,
    lengths: { blockTable: table(dtype, (t) => t.set([1000, -1, max], 0)) },
    honest: [1, 2, 3],
  }),
  'paged/ids-extreme': (dtype) => ({
    problem: paged,
    lengths: { blockTable: table(dtype, (t) => t.set([min, 1 << 28, -(1 << 28)], 4)) },
    honest: [0, 2, 3],
  }),
  'paged/all-min': (dtype) => ({
    problem: paged,
    lengths: {
      blockTable: table(dtype, (t) => t.fill(min)),
      seqUsedK: Int32Array.of(max, max, max, max),
    },
  }),
  'paged/all-max': (dtype) => ({
    problem: paged,
    lengths: {
      blockTable: table(dtype, (t) => t.fill(max)),
      seqUsedK: Int32Array.of(max, max, max, max),
    },
  }),
};

function allLengths(value: number): ProblemLengths {
  return {
    cuSeqlensQ: new Int32Array(5).fill(value),
    cuSeqlensK: new Int32Array(5).fill(value),
    seqUsedK: new Int32Array(4).fill(value),
  };
}
