import { denseProblem, packedProblem, pagedProblem } from '../../problems/build-problem.ts';
import { poisonUnused } from '../../problems/rearrange-problem.ts';
import { type NdArray, sliceAxis } from '../../reference/nd-array.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import type { ReferenceProblem } from '../../reference/reference-problem.ts';

/** Head dims of k and of v, its first columns: multi-head latent attention, a small one like it, equal, and with scalar loads. */
export const sharedKvDims = [
  [576, 512],
  [72, 64],
  [40, 40],
  [33, 17],
] as const;

type Dims = readonly [dim: number, dimV: number];

const options = { causal: true } as const;

/** One kv head or two; lengths beside tile edges; few rows, or many. */
export const sharedKvProblems: Readonly<
  Record<string, (dtype: FloatDType, dims: Dims, rows: number) => ReferenceProblem>
> = {
  dense: (dtype, [dim, dimV], rows) =>
    valuesOf(
      denseProblem({ dtype, batch: 2, lq: rows, lk: 70, heads: [4, 2], dim, dimV, options }),
    ),
  packed: (dtype, [dim, dimV], rows) =>
    valuesOf(
      packedProblem({
        dtype,
        qLens: [rows, 0, 1],
        kLens: [75, 9, 40],
        heads: [6, 1],
        dim,
        dimV,
        options,
      }),
    ),
  paged: (dtype, [dim, dimV], rows) =>
    valuesOf(
      pagedProblem({
        dtype,
        qLens: [rows, 3, 0],
        used: [70, 33, 9],
        pageSize: 7,
        pages: 'shared',
        heads: [4, 1],
        dim,
        dimV,
        options,
      }),
    ),
};

/** Replaces the values of a problem by the first columns of its keys; unused rows of both hold NaN. */
function valuesOf(problem: ReferenceProblem): ReferenceProblem {
  const { k } = poisonUnused(problem, NaN);
  return { ...problem, ...poisonUnused(problem, NaN), k, v: columnsOf(k, problem.v.shape.at(-1)!) };
}

const columnsOf = (k: NdArray, count: number): NdArray =>
  sliceAxis(k, k.shape.length - 1, 0, count);
