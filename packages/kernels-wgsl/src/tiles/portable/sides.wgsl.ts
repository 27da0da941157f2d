import { wgsl } from '@heed/core/kernel';
import { THREADS_N } from '../grid/config.ts';

/** A tile in workgroup memory, and the call that fills it from `chunk` on. */
export interface Side {
  readonly name: string;
  readonly tile: 'q_tile' | 'kv_tile';
  readonly stage: (chunk: string) => string;
}

/** The tiles in workgroup memory: query rows, and keys. */
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

/** The query rows as one side of a product. */
export function rowSide(name: string): Side {
  return { name, tile: 'q_tile', stage: (chunk) => `stage_${name}(work, ${chunk}, thread);` };
}

/** The keys as one side of a product. */
export function keySide(name: string): Side {
  return {
    name,
    tile: 'kv_tile',
    stage: (chunk) => `stage_${name}(work.seq, head, first_key, ${chunk}, thread);`,
  };
}
