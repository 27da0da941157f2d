import type { Limits } from '@heed/core';
import type { TileShape } from '../tile.ts';

/**
 * The workgroup as a grid of threadsM × 8 threads; each owns rowsPerThread query rows × 4 keys of the score tile, and as many
 * rows × 4 columns per value chunk.
 */
export interface ThreadGrid {
  readonly threadsM: number;
  readonly rowsPerThread: 1 | 2 | 4;
  /** Whether the compiler may know the bounds of inner loops. */
  readonly unroll: boolean;
}

export const THREADS_N = 8;

/** Columns of the grid in elements, one vec4 per thread: keys of a tile, and elements of a value chunk. */
export const CHUNK: number = THREADS_N * 4;

export function gridShape(grid: ThreadGrid): TileShape {
  return { tileM: grid.threadsM * grid.rowsPerThread, tileN: CHUNK };
}

export function gridThreads(grid: ThreadGrid): number {
  return grid.threadsM * THREADS_N;
}

/** @returns which limit a grid with so many bytes of workgroup memory exceeds, or undefined */
export function gridExceeds(grid: ThreadGrid, bytes: number, limits: Limits): string | undefined {
  if (bytes > limits.maxComputeWorkgroupStorageSize) {
    return `its tiles take ${bytes} bytes of workgroup memory; the device has ${limits.maxComputeWorkgroupStorageSize}`;
  }
  const threads = gridThreads(grid);
  if (threads > limits.maxComputeInvocationsPerWorkgroup) {
    return `it needs ${threads} threads; the device allows ${limits.maxComputeInvocationsPerWorkgroup}`;
  }
  return undefined;
}
