import { wgsl } from '@heed/core/kernel';
import { CHUNK, THREADS_N } from './config.ts';
import type { Side } from './products.wgsl.ts';

/** What is staged, CHUNK elements of the head dim at a time. */
export interface Staged {
  readonly name: string;
  readonly dim: number;
  readonly threads: number;
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

/** Stages q, or what has its rows. `inside` leaves out rows beyond the sequence; else they are copies of the last. */
export function stageRows({ name, dim, threads }: Staged, scale = '', inside = false): string {
  return wgsl`
    // Elements chunk to chunk + ${CHUNK - 1} of ${name} of the tile's query rows.
    fn stage_${name}(work: Work, chunk: u32, thread: u32) {
      for (var i = thread; i < TILE_M * ${THREADS_N}u; i += ${threads}u) {
        let d = chunk + i % ${THREADS_N}u * 4u;
        var x = vec4<f32>();
        if (d < ${dim}u${inside && ` && work.first_row + i / ${THREADS_N}u < work.rows`}) {
          x = read_${name}(${name}_row_offset(make_row(work, work.first_row + i / ${THREADS_N}u)), d)${scale};
        }
        q_tile[i / ${THREADS_N}u * STAGED + i % ${THREADS_N}u] = x;
      }
    }
  `;
}

/** Stages k or v. Rows beyond the sequence's keys are not read: they may hold anything. */
export function stageKeys({ name, dim, threads }: Staged): string {
  return wgsl`
    // Elements chunk to chunk + ${CHUNK - 1} of ${name} of the tile's keys.
    fn stage_${name}(seq: Sequence, head: u32, first_key: u32, chunk: u32, thread: u32) {
      for (var i = thread; i < TILE_N * ${THREADS_N}u; i += ${threads}u) {
        let key = first_key + i / ${THREADS_N}u;
        let d = chunk + i % ${THREADS_N}u * 4u;
        var x = vec4<f32>();
        if (key < seq.k_len && d < ${dim}u) {
          x = read_${name}(${name}_row_offset(seq, head, key), d);
        }
        kv_tile[i / ${THREADS_N}u * STAGED + i % ${THREADS_N}u] = x;
      }
    }
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
