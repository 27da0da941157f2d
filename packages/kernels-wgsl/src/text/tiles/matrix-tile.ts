import type { Capabilities, SubgroupMatrixConfig } from '@heed/core';
import { deviceClass } from './device-class.ts';
import {
  CHUNK,
  gridExceeds,
  gridShape,
  gridThreads,
  type ThreadGrid,
  THREADS_N,
} from './thread-grid.wgsl.ts';
import type { TileClass } from './tile-path.ts';

/** Shape of (M×K)·(K×N), whose product is M×N. */
type MatrixShape = Pick<SubgroupMatrixConfig, 'M' | 'N' | 'K'>;

/**
 * Multiplies by the device's matrix operations, (M×K)·(K×N) of f16 into f32; the threads of a grid do the rest. The products
 * are distributed over the subgroups of the workgroup, whose number is known only at run time.
 */
export interface MatrixTile extends ThreadGrid, MatrixShape {
  readonly path: 'matrix';
}

/** Strides of workgroup arrays, in vectors. Each is a multiple of 16 bytes, but spans no power of two of memory banks. */
export const WEIGHTS: number = CHUNK / 4 + 2;
export const PRODUCT: number = CHUNK / 4 + 1;

interface Dims {
  readonly headDim: number;
  readonly headDimV: number;
}

/** Returns the vectors of a staged row of q, k or v: whole chunks, padded with zeros after the head dim. */
export function stagedVecs({ headDim, headDimV }: Dims): number {
  return (Math.ceil(Math.max(headDim, headDimV) / CHUNK) * CHUNK) / 4;
}

/** Returns the lengths of the workgroup arrays, in vectors of f16; the product's are of f32. */
export function matrixArrays(
  dims: Dims,
  tile: MatrixTile,
): Record<'q_tile' | 'kv_tile' | 'weights' | 'rests' | 'product', number> {
  const { tileM, tileN } = gridShape(tile);
  const staged = stagedVecs(dims) + 2;
  return {
    q_tile: tileM * staged,
    kv_tile: tileN * staged,
    weights: tileM * WEIGHTS,
    rests: tileM * WEIGHTS,
    product: tileM * PRODUCT,
  };
}

/** Returns the bytes of workgroup memory: staged q, staged k or v, weights in two parts, product, row maxima. */
export function matrixBytes(dims: Dims, tile: MatrixTile): number {
  const { product, ...halves } = matrixArrays(dims, tile);
  const vecs = Object.values(halves).reduce((a, b) => a + b);
  return vecs * 8 + product * 16 + gridThreads(tile) * tile.rowsPerThread * 4;
}

/** Returns the shapes in which a device multiplies f16 into f32, the largest first. */
function matrixShapes({ subgroupMatrix }: Capabilities): readonly MatrixShape[] {
  return subgroupMatrix
    .filter((c) => c.componentType === 'f16' && c.resultComponentType === 'f32')
    .toSorted((a, b) => b.M * b.N * b.K - a.M * a.N * a.K);
}

export const matrixTiles: TileClass<MatrixTile> = {
  enables: () => ['chromium_experimental_subgroup_matrix', 'subgroups', 'f16'],
  shape: gridShape,
  cannot(tile, capabilities, _, needs) {
    const { qType, kvType } = needs;
    const { f16, subgroups, limits } = capabilities;
    const shapes = matrixShapes(capabilities).map(shapeName);
    if (shapes.length === 0 || !subgroups || !f16) {
      return 'the device has no subgroup matrices of f16 with products in f32';
    }
    if (!shapes.includes(shapeName(tile))) {
      return `the tile is for matrices of ${shapeName(tile)}; the device has ${shapes.join(', ')}`;
    }
    if (qType !== 'f16' || kvType !== 'f16') {
      return `matrices hold q, k and v in f16, which would round q=${qType} kv=${kvType}`;
    }
    const { tileM, tileN } = gridShape(tile);
    if (tileM % tile.M > 0 || tileN % tile.N > 0 || CHUNK % tile.N > 0 || CHUNK % tile.K > 0) {
      return `tiles of ${tileM} × ${tileN} are not made of matrices of ${shapeName(tile)}`;
    }
    if (gridThreads(tile) % subgroups.max > 0) {
      return `${gridThreads(tile)} threads are no whole number of subgroups of ${subgroups.max}`;
    }
    return gridExceeds(tile, matrixBytes(needs, tile), limits);
  },
  // A CPU only emulates matrices, a decode step reads more than it multiplies, and where subgroups have several sizes, matrices
  // may need one of them pinned (onnxruntime #32667, on AMD).
  isDefault(use, capabilities) {
    const { min, max } = capabilities.subgroups ?? { min: 0, max: 0 };
    const isMatrixWork = use === 'head' && matrixShapes(capabilities).length > 0;
    return isMatrixWork && min === max && deviceClass(capabilities).matrices;
  },
  defaults(_, capabilities) {
    const shapes = matrixShapes(capabilities);
    return (shapes.length > 0 ? shapes : [NO_SHAPE]).flatMap((shape) =>
      tilesOf(shape, capabilities),
    );
  },
  fallsBack: (capabilities) => matrixShapes(capabilities).length > 0,
};

const NO_SHAPE: MatrixShape = { M: 0, N: 0, K: 0 };

// More rows per tile read each key less often, where workgroup memory has room for them.
function tilesOf({ M, N, K }: MatrixShape, capabilities: Capabilities): MatrixTile[] {
  const threadsM = Math.max(8, (capabilities.subgroups?.max ?? 0) / THREADS_N);
  const { unroll } = deviceClass(capabilities);
  return ([4, 2] as const).map((rowsPerThread) => {
    return { path: 'matrix', M, N, K, threadsM, rowsPerThread, unroll };
  });
}

const shapeName = ({ M, N, K }: MatrixShape): string => `${M}×${N}×${K}`;
