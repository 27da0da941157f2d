import type { SubgroupMatrixConfig } from '@heed/core';
import type { GradientOf, TileShape } from '../parts/kinds.ts';

/** Shape of (M×K)·(K×N), whose product is M×N. */
export type MatrixShape = Pick<SubgroupMatrixConfig, 'M' | 'N' | 'K'>;

/**
 * Multiplies by the device's matrix operations, (M×K)·(K×N) of the component type into f32. A subgroup, or `sharing` of them
 * together, owns the rows of `rowBlocks` matrices, for all products: query rows, or keys where their gradients are computed.
 */
export interface MatrixTile extends MatrixShape {
  readonly path: 'matrix';
  /** Type of the components of q, k, v, dOut, the weights and the gradients of scores. */
  readonly components: 'f16' | 'f32';
  readonly subgroupSize: number;
  /** Whether the kernel fixes the subgroup size; otherwise the device has only one. */
  readonly isPinned: boolean;
  readonly subgroups: number;
  readonly rowBlocks: number;
  /** Subgroups that own the same rows. Each computes an equal part of the columns of the scores and of the results. */
  readonly sharing: number;
  /** Whether each subgroup keeps the operands of its rows in matrices; otherwise they lie in workgroup memory. */
  readonly keepsRows: boolean;
  /** Whether the compiler may know the bounds of inner loops; loops over matrices are then written out. */
  readonly unroll: boolean;
}

/** The kernels that multiply by matrices: the forward pass, dq, and dk with dv. */
export type MatrixKernel = 'forward' | Exclude<GradientOf, 'tables'>;

/** Keys of a tile (queries, where the rows are keys), and columns of a result that pass through workgroup memory at a time. */
export const TILE_N = 32;
/** Lanes that share a row, each with 4 of its columns. */
export const ROW_LANES: number = TILE_N / 4;
// A row of any workgroup array is longer by 8 components. The rows of a matrix then lie in different memory banks.
const PADDING = 8;

interface Dims {
  readonly headDim: number;
  readonly headDimV: number;
}

export function matrixThreads({ subgroups, subgroupSize }: MatrixTile): number {
  return subgroups * subgroupSize;
}

/** Returns the rows that a subgroup owns. */
export function subgroupRows({ rowBlocks, M }: MatrixTile): number {
  return rowBlocks * M;
}

export function matrixTileShape(tile: MatrixTile): TileShape {
  return { tileM: (tile.subgroups / tile.sharing) * subgroupRows(tile), tileN: TILE_N };
}

/** Returns the threads that own the same rows. */
export function ownerLanes({ sharing, subgroupSize }: MatrixTile): number {
  return sharing * subgroupSize;
}

/** Returns the rows of a thread: 4 of each pass, or as many as a matrix needs. */
export function threadRows(tile: MatrixTile): number {
  return (subgroupRows(tile) * ROW_LANES) / ownerLanes(tile);
}

/**
 * Returns how many of a subgroup's matrices lie in workgroup memory at a time, one above the other. More rows would take
 * more memory, and so leave room for fewer workgroups. Weights in f32 replace their scores, so there all rows are at once.
 */
export function passBlocks(tile: MatrixTile): number {
  const { components, rowBlocks, M } = tile;
  if (components === 'f32') return rowBlocks;
  return Math.min(rowBlocks, Math.max(1, ownerLanes(tile) / ROW_LANES / (M / 4)));
}

/** Returns the matrices that span a head dim, as the inner dimension of a product or as the columns of a result. */
export function dimMatrices(
  dim: number,
  { N, K }: MatrixShape,
): Record<'inner' | 'columns', number> {
  return { inner: Math.ceil(dim / K), columns: Math.ceil(dim / N) };
}

/** Returns the vectors of a staged row, which whole matrices span in each use of the row. */
export function stagedVectors(
  dim: number,
  tile: MatrixShape,
  ...uses: ('inner' | 'columns')[]
): number {
  const { inner, columns } = dimMatrices(dim, tile);
  const widths = { inner: inner * tile.K, columns: columns * tile.N };
  return Math.max(...uses.map((use) => widths[use])) / 4;
}

/** Returns the head dims of the rows that a subgroup owns: the inner dimensions of its scores. */
function ownDims({ headDim, headDimV }: Dims, kernel: MatrixKernel): number[] {
  return kernel === 'forward' ? [headDim] : [headDim, headDimV];
}

/** Returns the head dims of a kernel's results. */
export function summedDims({ headDim, headDimV }: Dims, kernel: MatrixKernel): number[] {
  return { forward: [headDimV], q: [headDim], kv: [headDim, headDimV] }[kernel];
}

/** Returns the vectors of four components in a row of each workgroup array. */
export function matrixStrides(
  dims: Dims,
  tile: MatrixTile,
  kernel: MatrixKernel,
): Record<'staged' | 'scores', number> {
  const vectors = [
    ...ownDims(dims, kernel).map((dim) => stagedVectors(dim, tile, 'inner')),
    ...summedDims(dims, kernel).map((dim) => stagedVectors(dim, tile, 'columns')),
  ];
  return { staged: Math.max(...vectors) + PADDING / 4, scores: (TILE_N + PADDING) / 4 };
}

/** An array of vectors of four components in workgroup memory. */
interface WorkgroupArray {
  readonly name: string;
  readonly type: MatrixTile['components'];
  readonly length: number;
}

// The tensors of the rows that a subgroup owns, and those of the rows that are staged tile by tile.
const tensors: Readonly<Record<MatrixKernel, Record<'own' | 'staged', readonly string[]>>> = {
  forward: { own: ['q'], staged: ['kv'] },
  q: { own: ['q', 'dout'], staged: ['k', 'v'] },
  kv: { own: ['k', 'v'], staged: ['q', 'dout'] },
};

// What passes from threads to matrices. In f32 it replaces what came the other way.
const returned: Readonly<Record<MatrixKernel, readonly string[]>> = {
  forward: ['weights'],
  q: ['gradients'],
  kv: ['weights', 'gradients'],
};

/** Returns the workgroup arrays of a kernel: rows of tensors, scores and slopes in f32, weights and gradients of scores. */
export function matrixArrays(
  dims: Dims,
  tile: MatrixTile,
  kernel: MatrixKernel,
): readonly WorkgroupArray[] {
  const { components: type, keepsRows } = tile;
  const strides = matrixStrides(dims, tile, kernel);
  const { tileM } = matrixTileShape(tile);
  // The last row needs no padding.
  const lengthOf = (count: number, stride: number): number => count * stride - PADDING / 4;
  const passed = lengthOf((tileM / tile.rowBlocks) * passBlocks(tile), strides.scores);
  const { own, staged } = tensors[kernel];
  const rows = (names: readonly string[], count: number): WorkgroupArray[] =>
    names.map((name) => ({ name: `${name}_tile`, type, length: lengthOf(count, strides.staged) }));
  return [
    ...(keepsRows ? [] : rows(own, tileM)),
    ...rows(staged, TILE_N),
    { name: 'scores', type: 'f32', length: passed },
    ...(kernel === 'forward' ? [] : [{ name: 'slopes', type: 'f32', length: passed } as const]),
    ...(type === 'f16' ? returned[kernel] : []).map((name) => ({
      name,
      type,
      length: lengthOf(tileM, strides.scores),
    })),
  ];
}

/** Returns the bytes of an array. */
export function arrayBytes({ type, length }: WorkgroupArray): number {
  return length * (type === 'f16' ? 8 : 16);
}

/** Returns the bytes of workgroup memory: the arrays, and a word by which the threads agree on a change of scale. */
export function matrixBytes(dims: Dims, tile: MatrixTile, kernel: MatrixKernel): number {
  return matrixArrays(dims, tile, kernel).reduce((sum, array) => sum + arrayBytes(array), 4);
}

/** Returns how much a lane keeps of its rows, the scores and the results, in 4-byte registers. */
export function matrixRegisters(dims: Dims, tile: MatrixTile, kernel: MatrixKernel): number {
  const { components, keepsRows, sharing, subgroupSize } = tile;
  const [own, summed] = [ownDims(dims, kernel), summedDims(dims, kernel)];
  const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);
  const ofRows = keepsRows ? sum(own) * (components === 'f16' ? 0.5 : 1) : 0;
  const ofResults = (sum(summed) + own.length * TILE_N) / sharing;
  return Math.ceil((subgroupRows(tile) * (ofRows + ofResults)) / subgroupSize);
}
