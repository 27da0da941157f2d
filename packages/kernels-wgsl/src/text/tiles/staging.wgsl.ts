import { wgsl } from '@heed/core/kernel';
import { CHUNK, THREADS_N } from './thread-grid.wgsl.ts';

/** Describes the staged part of a tensor's rows. */
export interface Staged {
  readonly name: string;
  readonly dim: number;
  readonly threads: number;
  /** Vectors per row, to stage whole rows in f16; if absent, CHUNK elements are staged at a time, in f32. */
  readonly wholeVecs?: number;
}

/** Stages q, or a tensor with the same rows. `inside` skips rows beyond the sequence; otherwise they repeat its last row. */
export function stageRows(staged: Staged, scale = '', inside = false): string {
  const { name, dim } = staged;
  const { what, chunk, row, d, loop, store } = parts(staged, 'q_tile', 'TILE_M');
  return wgsl`
    // ${what} of ${name} of the tile's query rows.
    fn stage_${name}(work: Work, ${chunk}thread: u32) {
      ${loop} {
        let d = ${d};
        var x = vec4<f32>();
        if (d < ${dim}u${inside && ` && work.first_row + ${row} < work.rows`}) {
          x = read_${name}(${name}_row_offset(make_row(work, work.first_row + ${row})), d)${scale};
        }
        ${store}
      }
    }
  `;
}

/** Stages k or v. Rows beyond the sequence's keys are not read, because they may hold anything. */
export function stageKeys(staged: Staged): string {
  const { name, dim } = staged;
  const { what, chunk, row, d, loop, store } = parts(staged, 'kv_tile', 'TILE_N');
  return wgsl`
    // ${what} of ${name} of the tile's keys.
    fn stage_${name}(seq: Sequence, head: u32, first_key: u32, ${chunk}thread: u32) {
      ${loop} {
        let key = first_key + ${row};
        let d = ${d};
        var x = vec4<f32>();
        if (key < seq.k_len && d < ${dim}u) {
          x = read_${name}(${name}_row_offset(seq, head, key), d);
        }
        ${store}
      }
    }
  `;
}

/** Returns the text that depends on the amount staged at a time. */
function parts(
  { threads, wholeVecs }: Staged,
  tile: string,
  rows: string,
): Record<'what' | 'chunk' | 'row' | 'd' | 'loop' | 'store', string> {
  const vecs = wholeVecs ?? THREADS_N;
  const row = `i / ${vecs}u`;
  const column = `i % ${vecs}u`;
  const loop = `for (var i = thread; i < ${rows} * ${vecs}u; i += ${threads}u)`;
  const store = (x: string): string => `${tile}[${row} * STAGED + ${column}] = ${x};`;
  if (wholeVecs === undefined) {
    const what = `Elements chunk to chunk + ${CHUNK - 1}`;
    return {
      what,
      chunk: 'chunk: u32, ',
      row,
      d: `chunk + ${column} * 4u`,
      loop,
      store: store('x'),
    };
  }
  const what = `The rows, filled up with zeros to ${wholeVecs * 4} elements,`;
  return { what, chunk: '', row, d: `${column} * 4u`, loop, store: store('vec4<f16>(x)') };
}
