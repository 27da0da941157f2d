import type { Capabilities } from '@heed/core';
import { wgsl } from '@heed/core/kernel';
import { deviceClass } from './device-class.ts';
import { gridExceeds, gridShape, type ThreadGrid, THREADS_N } from './thread-grid.wgsl.ts';
import type { TileClass } from './tile-path.ts';

/** Workgroup memory and register blocking, within WebGPU's default limits. */
export interface PortableTile extends ThreadGrid {
  readonly path: 'portable';
}

/** Returns the bytes of workgroup memory: staged q, staged k or v, weights, row maxima. */
export function portableBytes(tile: PortableTile): number {
  const { tileM, tileN } = gridShape(tile);
  const vecs = tileM * (THREADS_N + 1) + tileN * (THREADS_N + 1) + tileM * THREADS_N;
  return vecs * 16 + tileM * THREADS_N * 4;
}

export const portableTiles: TileClass<PortableTile> = {
  enables: () => [],
  shape: gridShape,
  cannot: (tile, { limits }) => gridExceeds(tile, portableBytes(tile), limits),
  isDefault: () => true,
  defaults(use, capabilities) {
    const rowsPerThread = use === 'group' ? 1 : 4;
    return [
      { path: 'portable', threadsM: 8, rowsPerThread, unroll: deviceClass(capabilities).unroll },
    ];
  },
};

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

/** A tile in workgroup memory, and the call that fills it from `chunk` on. */
export interface Side {
  readonly name: string;
  readonly tile: 'q_tile' | 'kv_tile';
  readonly stage: (chunk: string) => string;
}

/** Declares the tiles in workgroup memory: query rows, and keys. */
export function tileArrays(tileM: number, tileN: number): string {
  const array = (name: string, rows: number): string => {
    const length = rows * (THREADS_N + 1);
    return `var<workgroup> ${name}: array<vec4<f32>, ${length}>; // ${length * 16} bytes`;
  };
  return wgsl`
    // A padded row of ${THREADS_N + 1} vectors keeps neighbouring rows in different banks.
    const STAGED = ${THREADS_N + 1}u;
    ${array('q_tile', tileM)}
    ${array('kv_tile', tileN)}
  `;
}

/** Returns the query rows as one operand of a product. */
export function rowSide(name: string): Side {
  return { name, tile: 'q_tile', stage: (chunk) => `stage_${name}(work, ${chunk}, thread);` };
}

/** Returns the keys as one operand of a product. */
export function keySide(name: string): Side {
  return {
    name,
    tile: 'kv_tile',
    stage: (chunk) => `stage_${name}(work.seq, head, first_key, ${chunk}, thread);`,
  };
}
