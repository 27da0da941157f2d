import { wgsl } from '@heed/core/kernel';
import { each, plus } from '../parts/repeat.ts';
import {
  arrayBytes,
  matrixArrays,
  type MatrixKernel,
  matrixStrides,
  type MatrixTile,
  matrixThreads,
  TILE_N,
} from './matrix-geometry.ts';
import type { ForwardConfig, KeyTiles } from './kernel-config.ts';

const lanes = each(4);

/** A tensor whose rows are staged in workgroup memory, as components of matrices. */
export interface StagedRows {
  readonly name: 'q' | 'k' | 'v' | 'dout';
  readonly dim: number;
  /** Vectors of a staged row, which whole matrices span: those after the head dim are 0. */
  readonly vecs: number;
  /** The workgroup array. */
  readonly array: string;
}

/** Returns the declarations of a kernel's workgroup arrays, and of the strides of their rows. */
export function matrixArraysText(
  config: Pick<ForwardConfig, 'headDim' | 'headDimV'>,
  tile: MatrixTile,
  kernel: MatrixKernel,
): string {
  const strides = matrixStrides(config, tile, kernel);
  return wgsl`
    // Vectors in a row of q, k or v, and in a row of scores or weights. Their padding keeps the rows of a matrix in
    // different banks.
    const STAGED = ${strides.staged}u;
    const SCORED = ${strides.scores}u;
    ${matrixArrays(config, tile, kernel).map(
      (array) =>
        `var<workgroup> ${array.name}: array<vec4<${array.type}>, ${array.length}>; // ${arrayBytes(array)} bytes`,
    )}
  `;
}

/**
 * Declares `staged_<name>(seq, head, first_key, i)`: vector i of the rows of a tile's keys. Rows beyond the keys, which may hold
 * anything, are not read. They repeat the last key: its numbers are finite, and the weight of such a row is 0. Elements after the
 * head dim are multiplied by zeros of the query rows, or not used.
 */
export function loadKeys(tile: MatrixTile, rows: StagedRows, { selectedBlock }: KeyTiles): string {
  if (selectedBlock > 0) return loadSelected(tile, rows);
  const { name, vecs } = rows;
  const type = `vec4<${tile.components}>`;
  return wgsl`
    fn staged_${name}(seq: Sequence, head: u32, first_key: u32, i: u32) -> ${type} {
      let key = min(first_key + i / ${vecs}u, seq.k_len - 1u);
      let d = ${elementOf(rows)};
      return ${converted(type, `read_${name}(${name}_row_offset(seq, head, key), d)`)};
    }
  `;
}

/**
 * Declares `staged_<name>(work, head, first_entry, i)`: the same for the keys that the tile's list names. Where it names none, key 0
 * is read, which may hold anything, and zeros are staged.
 */
function loadSelected(tile: MatrixTile, rows: StagedRows): string {
  const { name, vecs } = rows;
  const type = `vec4<${tile.components}>`;
  return wgsl`
    fn staged_${name}(work: Work, head: u32, first_entry: u32, i: u32) -> ${type} {
      let key = selected_key(work, first_entry + i / ${vecs}u);
      let d = ${elementOf(rows)};
      let x = ${converted(type, `read_${name}(${name}_row_offset(work.seq, head, u32(max(key, 0))), d)`)};
      return select(${type}(), x, key >= 0);
    }
  `;
}

/** Returns the calls that stage the keys of a tile of query rows: of k, or of v. */
export function keyLoads({ selectedBlock }: KeyTiles, { name }: StagedRows): (i: string) => string {
  const keys = selectedBlock > 0 ? 'work, head, first_entry' : 'work.seq, head, first_key';
  return (i) => `staged_${name}(${keys}, ${i})`;
}

/** Declares the keys of a thread's four columns. */
export const columnKeys = ({ selectedBlock }: KeyTiles): readonly string[] =>
  selectedBlock > 0
    ? lanes((n) => `let key${n} = selected_key(work, ${plus('first_entry + column * 4u', n)});`)
    : ['let key = i32(first_key + column * 4u);'];

/** Returns the key of a thread's column n. */
export const columnKey = ({ selectedBlock }: KeyTiles, n: number): string =>
  selectedBlock > 0 ? `key${n}` : plus('key', n, '');

/** Declares `staged_<name>(work, i)`: vector i of a tile's query rows. Those beyond the sequence repeat its last row. */
export function loadQueries(tile: MatrixTile, rows: StagedRows): string {
  const { name, vecs } = rows;
  const type = `vec4<${tile.components}>`;
  return wgsl`
    fn staged_${name}(work: Work, i: u32) -> ${type} {
      let row = make_row(work, work.first_row + i / ${vecs}u);
      let d = ${elementOf(rows)};
      return ${converted(type, `read_${name}(${name}_row_offset(row), d)`)};
    }
  `;
}

const converted = (type: string, x: string): string => (type === 'vec4<f32>' ? x : `${type}(${x})`);

const isWhole = ({ dim, vecs }: StagedRows): boolean => Math.ceil(dim / 4) === vecs;

// The first element of a load. Those after the head dim repeat its last vector.
function elementOf(rows: StagedRows): string {
  const d = `i % ${rows.vecs}u * 4u`;
  return isWhole(rows) ? d : `min(${d}, ${Math.ceil(rows.dim / 4) * 4 - 4}u)`;
}

/**
 * Returns the statements that stage the rows of a tile: `loads`, which may be far from `stores` so that other work hides
 * their latency, and `stores`, after the last use of what the array held.
 * @param load returns the call that loads vector i
 */
export function staging(
  tile: MatrixTile,
  { name, vecs, array }: StagedRows,
  load: (i: string) => string,
): Record<'loads' | 'stores', string> {
  const threads = matrixThreads(tile);
  const total = TILE_N * vecs;
  const store = (i: string, x: string): string =>
    `${array}[${i} / ${vecs}u * STAGED + ${i} % ${vecs}u] = ${x};`;
  if (!tile.unroll) {
    const stores = wgsl`
      for (var i = thread; i < ${total}u; i += ${threads}u) {
        ${store('i', load('i'))}
      }
    `;
    return { loads: '', stores };
  }
  const steps = each(Math.ceil(total / threads));
  const index = (step: number): string => plus('thread', step * threads);
  const stored = (step: number): string =>
    store(step > 0 ? `(${index(step)})` : 'thread', `${name}${step}`);
  return {
    loads: wgsl`
      ${steps((step) => `let ${name}${step} = ${load(index(step))};`)}
    `,
    stores: wgsl`
      ${steps((step) =>
        (step + 1) * threads <= total
          ? stored(step)
          : wgsl`
              if (${index(step)} < ${total}u) {
                ${stored(step)}
              }
            `,
      )}
    `,
  };
}
