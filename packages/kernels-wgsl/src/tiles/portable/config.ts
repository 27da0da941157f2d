import type { Capabilities } from '@heed/core';
import { gridExceeds, gridShape, type ThreadGrid, THREADS_N } from '../grid/config.ts';

/** Workgroup memory and register blocking; runs at WebGPU's default limits. */
export interface PortableTile extends ThreadGrid {
  readonly path: 'portable';
}

/** Bytes of workgroup memory: staged q, staged k or v, weights, row maxima. */
export function portableBytes(tile: PortableTile): number {
  const { tileM, tileN } = gridShape(tile);
  const vecs = tileM * (THREADS_N + 1) + tileN * (THREADS_N + 1) + tileM * THREADS_N;
  return vecs * 16 + tileM * THREADS_N * 4;
}

/** @returns why the path cannot run, or undefined if it can */
export function portableCannot(tile: PortableTile, { limits }: Capabilities): string | undefined {
  return gridExceeds(tile, portableBytes(tile), limits);
}
