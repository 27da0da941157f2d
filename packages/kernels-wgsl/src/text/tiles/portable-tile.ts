import type { Capabilities } from '@heed/core';
import { deviceClass } from './device-class.ts';
import { gridShape, gridThreads, type ThreadGrid, THREADS_N } from './thread-grid.wgsl.ts';
import { type HeadDims, type TileClass, type TileUse, workgroupExceeds } from './tile-path.ts';

/** Workgroup memory and register blocking, within WebGPU's default limits. */
export interface PortableTile extends ThreadGrid {
  readonly path: 'portable';
}

/** Returns the bytes of workgroup memory: staged q, later weights; staged k or v; row maxima, or states in dq; the keys of a tile, if selected. */
export function portableBytes(tile: PortableTile, isSelected = false): number {
  const { tileM, tileN } = gridShape(tile);
  const keys = isSelected ? tileN * 4 : 0;
  return (tileM + tileN) * (THREADS_N + 1) * 16 + tileM * THREADS_N * 4 + keys;
}

export const portableTiles: TileClass<PortableTile> = {
  enables: () => [],
  shape: gridShape,
  cannot: (tile, { limits }, _, { isSelected }) =>
    tile.threadsM % 2 > 0
      ? `threads work in pairs of two rows, and threadsM is ${tile.threadsM}`
      : workgroupExceeds(
          { bytes: portableBytes(tile, isSelected), threads: gridThreads(tile) },
          limits,
        ),
  isDefault: () => true,
  readsWide: true,
  keyWorkgroups: (tile, dims) => (isApart(tile, dims) ? 2 : 1),
  defaults(use, capabilities, needs) {
    const { unroll, accumulators } = deviceClass(capabilities);
    // A tile of selected keys has no rows but those of one group.
    const isSmall = needs.isSelected && needs.groupRows <= 16;
    if (use === 'group' || isSmall)
      return [{ path: 'portable', threadsM: 8, rowsPerThread: 1, unroll }];
    const rowsPerThread = unroll ? rowsInRegisters(use, needs, accumulators) : 4;
    return [{ path: 'portable', threadsM: 32 / rowsPerThread, rowsPerThread, unroll }];
  },
};

// With more accumulators for dk and dv together, they have a workgroup each.
const ACCUMULATORS = 144;

/** Returns the most rows per thread whose accumulators fit in registers. */
function rowsInRegisters(
  use: Exclude<TileUse, 'group'>,
  { headDim, headDimV }: HeadDims,
  accumulators: number,
): ThreadGrid['rowsPerThread'] {
  const isFew = accumulators < ACCUMULATORS;
  const ofKeys = isFew ? headDim + headDimV : Math.max(headDim, headDimV);
  const dims = { head: headDimV, q: headDim, kv: ofKeys, tables: 0 };
  const perRow = dims[use] / THREADS_N;
  return ([4, 2] as const).find((rows) => rows * perRow <= accumulators) ?? 1;
}

/**
 * Whether dk and dv of a tile of keys are computed by a workgroup each, since a thread has not the registers for both. That takes five
 * products of the tile in place of four, but half as many loads from workgroup memory as half as many rows per thread would.
 */
export function isApart(
  { rowsPerThread, unroll }: ThreadGrid,
  { headDim, headDimV }: HeadDims,
): boolean {
  return unroll && (rowsPerThread * (headDim + headDimV)) / THREADS_N > ACCUMULATORS;
}

// With more accumulators than this, what is known of a thread's rows must leave its registers during the products of a tile.
const ACCUMULATORS_BESIDE_STATES = 112;

/** Whether dq keeps what is known of its rows in workgroup memory. */
export function keepsStates({ rowsPerThread, unroll }: ThreadGrid, { headDim }: HeadDims): boolean {
  return unroll && (rowsPerThread * headDim) / THREADS_N > ACCUMULATORS_BESIDE_STATES;
}

/** Returns the tiles that `tune` tries. */
export function portableGrid(capabilities: Capabilities): PortableTile[] {
  // Constant bounds are not tried on a compiler that unrolls anyway.
  const unrolls = deviceClass(capabilities).unroll ? [true, false] : [false];
  return [4, 8, 16, 32].flatMap((threadsM) =>
    ([1, 2, 4] as const).flatMap((rowsPerThread) =>
      unrolls.map((unroll) => ({ path: 'portable' as const, threadsM, rowsPerThread, unroll })),
    ),
  );
}
