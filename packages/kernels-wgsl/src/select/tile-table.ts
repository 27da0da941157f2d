import type { Capabilities } from '@heed/core';
import type { GradientOf, RowKind } from '../text/parts/kinds.ts';
import { type MatrixShape, matrixShapes, type MatrixTile } from '../text/tiles/matrix-tile.ts';
import type { PortableTile } from '../text/tiles/portable-tile.ts';
import type { SubgroupTile } from '../text/tiles/subgroup-tile.ts';
import { THREADS_N } from '../text/tiles/thread-grid.wgsl.ts';
import type { GradientTile, TileConfig } from '../text/tiles/tile.ts';

/** Shipped defaults per capability class: the tiles to try, best first. */
export function candidates(
  rows: RowKind,
  capabilities: Capabilities,
  path: TileConfig['path'] | undefined,
): readonly TileConfig[] {
  const subgroup = subgroupTile(rows, capabilities);
  const portable: PortableTile = {
    path: 'portable',
    threadsM: 8,
    rowsPerThread: rows === 'group' ? 1 : 4,
    unroll: !isSoftware(capabilities),
  };
  if (path === 'portable') return [portable];
  if (path === 'subgroup') return [subgroup];
  const software = isSoftware(capabilities);
  const usual = software && capabilities.subgroups ? [subgroup, portable] : [portable];
  const shapes = matrixShapes(capabilities);
  const matrix = shapes.flatMap((shape) => matrixTiles(shape, capabilities));
  // Forced, it is taken for all that it can do, on a device that can do it.
  if (path === 'matrix')
    return shapes.length > 0 ? [...matrix, ...usual] : matrixTiles(NO_SHAPE, capabilities);
  // A CPU only emulates matrices, a decode step reads more than it multiplies, and where subgroups have several sizes, matrices may
  // need one of them pinned (onnxruntime #32667, on AMD).
  const { min, max } = capabilities.subgroups ?? { min: 0, max: 0 };
  return software || rows === 'group' || min !== max ? usual : [...matrix, ...usual];
}

/** The tiles to try for the backward kernels, best first. */
export function backwardCandidates(
  of: GradientOf,
  capabilities: Capabilities,
  path: GradientTile['path'] | undefined,
): readonly GradientTile[] {
  const subgroupSize = capabilities.subgroups?.max ?? 0;
  // What a score adds to its tables is much text: fewer scores a lane, so that it compiles.
  const rowsPerLane = of === 'tables' ? 1 : 4;
  const subgroup: SubgroupTile = { path: 'subgroup', subgroupSize, rowsPerLane, keysPerLane: 2 };
  const unroll = !isSoftware(capabilities);
  const portable: PortableTile = { path: 'portable', threadsM: 8, rowsPerThread: 4, unroll };
  if (path === 'portable') return [portable];
  if (path === 'subgroup') return [subgroup];
  return isSoftware(capabilities) && capabilities.subgroups ? [subgroup, portable] : [portable];
}

/**
 * A CPU: subgroups as narrow as its vectors, a few threads, and a compiler that is slow on unrolled code. Wider subgroups do
 * better with workgroup memory: onnxruntime measured 10 to 20 times on Apple, 10 to 15 % on NVIDIA.
 */
export function isSoftware({ adapter, subgroups }: Capabilities): boolean {
  return adapter.isFallbackAdapter || (subgroups !== undefined && subgroups.max <= 8);
}

function subgroupTile(rows: RowKind, { subgroups }: Capabilities): SubgroupTile {
  // Rows share each broadcast, keys each pass over the accumulators; of 1 to 8 rows and 1 to 4 keys a lane, this was the
  // fastest on lavapipe that compiles within 3 s.
  const rowsPerLane = rows === 'group' ? 1 : 4;
  return { path: 'subgroup', subgroupSize: subgroups?.max ?? 0, rowsPerLane, keysPerLane: 4 };
}

const NO_SHAPE: MatrixShape = { M: 0, N: 0, K: 0 };

// More rows to a tile read each key less often, where workgroup memory has room for them.
function matrixTiles({ M, N, K }: MatrixShape, capabilities: Capabilities): MatrixTile[] {
  const threadsM = Math.max(8, (capabilities.subgroups?.max ?? 0) / THREADS_N);
  const unroll = !isSoftware(capabilities);
  return ([4, 2] as const).map((rowsPerThread) => {
    return { path: 'matrix', M, N, K, threadsM, rowsPerThread, unroll };
  });
}
