import { wgsl } from '@heed/core/kernel';
import { CHUNK, gridThreads, type ThreadGrid, THREADS_N } from './thread-grid.wgsl.ts';

/** Describes the staged part of a tensor's rows. */
export interface Staged {
  readonly name: string;
  readonly dim: number;
  readonly grid: ThreadGrid;
  /** Query rows or keys per tile. */
  readonly rows: number;
  /** Vectors per row, to stage whole rows in f16; if absent, CHUNK elements are staged at a time, in f32. */
  readonly wholeVecs?: number;
}

/** Stages q, or a tensor with the same rows. Rows beyond the sequence repeat its last row, and elements after the head dim are 0. */
export function stageRows(staged: Staged, scale = ''): string {
  const { name, dim } = staged;
  const { what, chunk, loop, row, d, inside, store } = parts(staged, 'q_tile');
  return wgsl`
    // ${what} of ${name} of the tile's query rows.
    fn stage_${name}(work: Work, ${chunk}thread: u32) {
      ${loop(wgsl`
        let row = make_row(work, work.first_row + ${row});
        let d = ${d};
        let x = read_${name}(${name}_row_offset(row), ${inside})${scale};
        ${store(inside === 'd' ? 'x' : `select(vec4<f32>(), x, d < ${dim}u)`)}
      `)}
    }
  `;
}

/**
 * Stages k or v of a sequence that has keys. Rows beyond its keys, which may hold anything, are not read. They repeat the
 * last key: its numbers are finite, and the weight of such a row is 0. Elements after the head dim are multiplied by zeros of
 * the query rows, or not used.
 */
export function stageKeys(staged: Staged): string {
  const { name } = staged;
  const { what, chunk, loop, row, d, inside, store } = parts(staged, 'kv_tile');
  return wgsl`
    // ${what} of ${name} of the tile's keys.
    fn stage_${name}(seq: Sequence, head: u32, first_key: u32, ${chunk}thread: u32) {
      ${loop(wgsl`
        let key = min(first_key + ${row}, seq.k_len - 1u);
        let d = ${d};
        ${store(`read_${name}(${name}_row_offset(seq, head, key), ${inside})`)}
      `)}
    }
  `;
}

interface StagingParts {
  readonly what: string;
  /** A parameter of the function, if it stages a part of each row. */
  readonly chunk: string;
  /** Repeats a body for the thread's vectors `i` of the tile. */
  readonly loop: (body: string) => string;
  readonly row: string;
  readonly d: string;
  /** `d`, or the last vector of the head dim if `d` may be after it. */
  readonly inside: string;
  readonly store: (x: string) => string;
}

/** Returns the text that depends on the amount staged at a time. A load waits for every branch around it, so there is none. */
function parts({ dim, grid, rows, wholeVecs }: Staged, tile: string): StagingParts {
  const vecs = wholeVecs ?? THREADS_N;
  const threads = gridThreads(grid);
  const steps = (rows * vecs) / threads;
  const row = `i / ${vecs}u`;
  const column = `i % ${vecs}u`;
  const isWhole = wholeVecs !== undefined;
  return {
    what: isWhole
      ? `The rows, filled up with zeros to ${vecs * 4} elements,`
      : `Elements chunk to chunk + ${CHUNK - 1}`,
    chunk: isWhole ? '' : 'chunk: u32, ',
    // A compiler issues the loads of all steps together if it knows their number.
    loop: (body) =>
      grid.unroll && Number.isInteger(steps)
        ? wgsl`
            for (var step = 0u; step < ${steps}u; step++) {
              let i = thread + step * ${threads}u;
              ${body}
            }
          `
        : wgsl`
            for (var i = thread; i < ${rows * vecs}u; i += ${threads}u) {
              ${body}
            }
          `,
    row,
    d: isWhole ? `${column} * 4u` : `chunk + ${column} * 4u`,
    inside:
      dim % (isWhole ? vecs * 4 : CHUNK) === 0 ? 'd' : `min(d, ${(Math.ceil(dim / 4) - 1) * 4}u)`,
    store: (x) => `${tile}[${row} * STAGED + ${column}] = ${isWhole ? `vec4<f16>(${x})` : x};`,
  };
}
