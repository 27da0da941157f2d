import type { Capabilities } from '@heed/core';
import type { TileShape } from '../tile.ts';

/**
 * Workgroup memory and register blocking; runs at WebGPU's default limits. The workgroup is a grid of threadsM × 8
 * threads; each owns rowsPerThread query rows × 4 keys of the score tile, and as many rows × 4 columns per value chunk.
 */
export interface PortableTile {
  readonly path: 'portable';
  readonly threadsM: number;
  readonly rowsPerThread: 1 | 2 | 4;
  /** Whether the compiler may know the bounds of inner loops. */
  readonly unroll: boolean;
}

export const THREADS_N = 8;

/** Elements of q, k and v that are staged at a time; one vec4 column per thread. */
export const CHUNK: number = THREADS_N * 4;

export function portableShape(tile: PortableTile): TileShape {
  return { tileM: tile.threadsM * tile.rowsPerThread, tileN: THREADS_N * 4 };
}

/** Bytes of workgroup memory: staged q, staged k or v, weights, row maxima. */
export function portableBytes(tile: PortableTile): number {
  const { tileM, tileN } = portableShape(tile);
  const vecs = tileM * (THREADS_N + 1) + tileN * (THREADS_N + 1) + tileM * THREADS_N;
  return vecs * 16 + tileM * THREADS_N * 4;
}

/** @returns why the path cannot run, or undefined if it can */
export function portableCannot(tile: PortableTile, { limits }: Capabilities): string | undefined {
  const bytes = portableBytes(tile);
  if (bytes > limits.maxComputeWorkgroupStorageSize) {
    return `its tiles take ${bytes} bytes of workgroup memory; the device has ${limits.maxComputeWorkgroupStorageSize}`;
  }
  const threads = tile.threadsM * THREADS_N;
  if (threads > limits.maxComputeInvocationsPerWorkgroup) {
    return `it needs ${threads} threads; the device allows ${limits.maxComputeInvocationsPerWorkgroup}`;
  }
  return undefined;
}
