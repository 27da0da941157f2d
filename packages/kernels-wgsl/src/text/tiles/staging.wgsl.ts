import { wgsl } from '@heed/core/kernel';
import { plus } from '../parts/repeat.ts';
import type { KeyType, ReadAccess } from '../parts/kinds.ts';
import { packedRead, type PackedRead } from '../parts/row-access.wgsl.ts';
import type { KeyTiles } from './kernel-config.ts';
import { CHUNK, gridThreads, type ThreadGrid } from './thread-grid.wgsl.ts';

/** Describes the staged part of a tensor's rows. */
export interface Staged {
  readonly name: string;
  readonly dim: number;
  readonly type: KeyType;
  readonly access: ReadAccess;
  readonly grid: ThreadGrid;
  /** Query rows or keys per tile. */
  readonly rows: number;
}

/** Stages q, or a tensor with the same rows. Rows beyond the sequence repeat its last row, and elements after the head dim are 0. */
export function stageRows(staged: Staged, scale = ''): string {
  const { name } = staged;
  const { loop, row, d, load, stores } = parts(staged, 'q_tile');
  return wgsl`
    // Elements chunk to chunk + ${CHUNK - 1} of ${name} of the tile's query rows.
    fn stage_${name}(work: Work, chunk: u32, thread: u32) {
      ${loop(wgsl`
        let row = make_row(work, work.first_row + ${row});
        let d = ${d};
        let x = ${load(`${name}_row_offset(row)`)};
        ${stores((x) => zeroed(staged, `${x}${scale}`))}
      `)}
    }
  `;
}

/** Returns elements of a row, with zeros after the head dim. */
const zeroed = ({ dim }: Staged, x: string): string =>
  dim % CHUNK === 0 ? x : `select(vec4<f32>(), ${x}, d < ${dim}u)`;

/**
 * Stages k or v of a sequence that has keys. Rows beyond its keys, which may hold anything, are not read. They repeat the
 * last key: its numbers are finite, and the weight of such a row is 0. Elements after the head dim are multiplied by zeros of
 * the query rows, or not used.
 * @param areFinite false if keys may hold infinities, whose product with those zeros is NaN; they are then zeros, too
 */
export function stageKeys(staged: Staged, areFinite = true): string {
  const { name } = staged;
  const { loop, row, d, load, stores } = parts(staged, 'kv_tile');
  return wgsl`
    // Elements chunk to chunk + ${CHUNK - 1} of ${name} of the tile's keys.
    fn stage_${name}(seq: Sequence, head: u32, first_key: u32, chunk: u32, thread: u32) {
      ${loop(wgsl`
        let key = min(first_key + ${row}, seq.k_len - 1u);
        let d = ${d};
        let x = ${load(`${name}_row_offset(seq, head, key)`)};
        ${stores((x) => (areFinite ? x : zeroed(staged, x)))}
      `)}
    }
  `;
}

/** Stages k or v of the keys of a kernel's tiles: adjacent ones, or selected ones. */
export function stageTileKeys({ selectedBlock }: KeyTiles, staged: Staged): string {
  return selectedBlock > 0 ? stageSelected(staged) : stageKeys(staged);
}

/** Stages the keys that `tile_keys` names. Where it names none, key 0 is read, which may hold anything, and zeros are staged. */
function stageSelected(staged: Staged): string {
  const { name } = staged;
  const { loop, row, d, load, stores } = parts(staged, 'kv_tile');
  return wgsl`
    // Elements chunk to chunk + ${CHUNK - 1} of ${name} of the tile's selected keys.
    fn stage_${name}(seq: Sequence, head: u32, chunk: u32, thread: u32) {
      ${loop(wgsl`
        let key = tile_keys[${row}];
        let d = ${d};
        let x = ${load(`${name}_row_offset(seq, head, u32(max(key, 0)))`)};
        ${stores((x) => `select(vec4<f32>(), ${x}, key >= 0)`)}
      `)}
    }
  `;
}

interface StagingParts {
  /** Repeats a body for the thread's loads `i` of the tile. */
  readonly loop: (body: string) => string;
  readonly row: string;
  readonly d: string;
  /** `d`, or the last load of the head dim if `d` may be after it. */
  readonly inside: string;
  readonly load: (row: string) => string;
  /** Stores the vectors of the load `x`. */
  readonly stores: (value: (x: string) => string) => readonly string[];
}

/** Returns the text that stages CHUNK elements of each row. A load waits for every branch around it, so there is none. */
function parts(staged: Staged, tile: string): StagingParts {
  const { dim, grid, rows } = staged;
  const threads = gridThreads(grid);
  const { elements, load, vectors } = readOf(staged);
  const perRow = CHUNK / elements;
  const steps = (rows * perRow) / threads;
  const row = `i / ${perRow}u`;
  const column = `i % ${perRow}u`;
  const vec = elements === 4 ? column : `${column} * ${elements / 4}u`;
  const last = (Math.ceil(dim / elements) - 1) * elements;
  const inside = dim % CHUNK === 0 ? 'd' : `min(d, ${last}u)`;
  return {
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
            for (var i = thread; i < ${rows * perRow}u; i += ${threads}u) {
              ${body}
            }
          `,
    row,
    d: `chunk + ${column} * ${elements}u`,
    inside,
    load: (offset) => load(offset, inside),
    stores: (value) =>
      vectors('x').map((x, n) => `${tile}[${plus(`${row} * STAGED + ${vec}`, n)}] = ${value(x)};`),
  };
}

/** Returns the loads of a tensor: of eight elements where the memory allows it, unless a branch would leave threads without one. */
function readOf({ name, type, access, grid, rows }: Staged): PackedRead {
  const read = packedRead(name, type, access);
  const isFull = rows * CHUNK >= read.elements * gridThreads(grid);
  if (!read.isScaled && (isFull || !grid.unroll)) return read;
  return {
    elements: 4,
    isScaled: false,
    load: (row, d) => `read_${name}(${row}, ${d})`,
    vectors: (x) => [x],
  };
}
