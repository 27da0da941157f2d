import { wgsl } from '@heed/core/kernel';
import { each, plus } from '../parts/repeat.ts';
import { type MatrixTile, matrixThreads, TILE_N } from './matrix-tile.ts';

/** A tensor whose rows are staged in `kv_tile`, as components of matrices. */
export interface StagedRows {
  readonly name: string;
  readonly dim: number;
  /** Vectors of a staged row, which whole matrices span: those after the head dim are 0. */
  readonly vecs: number;
}

/**
 * Declares `staged_<name>(seq, head, first_key, i)`: vector i of the rows of a tile's keys. Rows beyond the keys, which may hold
 * anything, are not read. They repeat the last key: its numbers are finite, and the weight of such a row is 0. Elements after the
 * head dim are multiplied by zeros of the query rows, or not used.
 */
export function loadKeys(tile: MatrixTile, rows: StagedRows): string {
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

const converted = (type: string, x: string): string => (type === 'vec4<f32>' ? x : `${type}(${x})`);

const isWhole = ({ dim, vecs }: StagedRows): boolean => Math.ceil(dim / 4) === vecs;

// The first element of a load. Those after the head dim repeat its last vector.
function elementOf(rows: StagedRows): string {
  const d = `i % ${rows.vecs}u * 4u`;
  return isWhole(rows) ? d : `min(${d}, ${Math.ceil(rows.dim / 4) * 4 - 4}u)`;
}

/**
 * Returns the statements that stage the rows of a tile: `loads`, which may be far from `stores` so that other work hides
 * their latency, and `stores`, after the last use of what `kv_tile` held.
 * @param load returns the call that loads vector i
 */
export function staging(
  tile: MatrixTile,
  { name, vecs }: StagedRows,
  load: (i: string) => string,
): Record<'loads' | 'stores', string> {
  const threads = matrixThreads(tile);
  const total = TILE_N * vecs;
  const store = (i: string, x: string): string =>
    `kv_tile[${i} / ${vecs}u * STAGED + ${i} % ${vecs}u] = ${x};`;
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
