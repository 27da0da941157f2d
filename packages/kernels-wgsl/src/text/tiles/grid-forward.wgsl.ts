import { wgsl } from '@heed/core/kernel';
import { each, plus } from '../parts/repeat.ts';
import { tileScores } from '../parts/score-chain.wgsl.ts';
import type { ForwardConfig } from './kernel-config.ts';
import {
  CHUNK,
  type Dim,
  eachScore,
  gridShape,
  gridThreads,
  localRow,
  storeChunks,
  type ThreadGrid,
  THREADS_N,
} from './thread-grid.wgsl.ts';
import { entryPoint, keyTileLoop } from './tile-loops.wgsl.ts';

/** How the threads of a grid multiply. */
export interface GridProducts {
  /** Declares the thread's place in the grid: its `column` and `first_row`. */
  readonly place: string;
  /** Key of the thread's score n, relative to the tile's first key. */
  readonly key: (n: number) => string;
  /** Declarations in workgroup memory: tiles, and weights. */
  readonly arrays: string;
  /** Declarations of functions. */
  readonly functions: string;
  /** Declares `s<r>`, a vector for each of the thread's rows r: the scaled dot products with the thread's keys. */
  readonly dots: string;
  /** Stores the weights `s<r>` of row r for all threads. */
  readonly keepWeights: (r: number) => string;
  /** `acc<r>[chunk] = acc<r>[chunk] · factor<r> + weights of row r · v`. Begins with a barrier. */
  readonly sums: string;
}

/** Returns the elements of an output row, and its chunks. */
export function valueDim({ headDimV }: Pick<ForwardConfig, 'headDimV'>): Dim {
  return { size: headDimV, bound: 'params.v_chunks' };
}

/**
 * Computes tiles through workgroup memory. For each key tile: computes scores; applies softmax over the columns of the grid;
 * then multiplies the weights, from workgroup memory, by CHUNK columns of v at a time.
 */
export function gridMain(config: ForwardConfig, grid: ThreadGrid, products: GridProducts): string {
  const { tileM } = gridShape(grid);
  const rows = each(grid.rowsPerThread);
  const lanes = each(4);
  const chunkVecs = grid.unroll ? `${THREADS_N}u` : 'params.chunk_vecs';
  const body = wgsl`
    ${products.place}

    ${rows(
      (r) => wgsl`
        let row${r} = make_row(work, ${plus('work.first_row + first_row', r)});
        var state${r} = softmax_init();
        var acc${r} = array<vec4<f32>, ${Math.ceil(config.headDimV / CHUNK)}>();
      `,
    )}

    ${keyTileLoop(
      config.hooks,
      wgsl`
      ${products.dots}

      ${lanes((n) => `let key${n} = i32(first_key + ${products.key(n)});`)}
      ${tileScores(
        config.hooks,
        eachScore(grid, (r, n) => ({ row: `row${r}`, key: `key${n}` })),
      )}
      ${rows((r) => `partial[${localRow(r)} * ${THREADS_N}u + column] = max(max(s${r}.x, s${r}.y), max(s${r}.z, s${r}.w));`)}
      workgroupBarrier();
      ${rows(
        (r) => wgsl`
          var tile_max${r} = MASKED;
          for (var i = 0u; i < ${chunkVecs}; i++) {
            tile_max${r} = max(tile_max${r}, partial[${localRow(r)} * ${THREADS_N}u + i]);
          }
          let factor${r} = softmax_rescale(&state${r}, tile_max${r});
          ${lanes((n) => `s${r}[${n}] = softmax_weight(s${r}[${n}], state${r}.row_max);`)}
          // A thread sums its own keys only; the columns meet in the end.
          state${r}.row_sum += s${r}.x + s${r}.y + s${r}.z + s${r}.w;
          ${products.keepWeights(r)}
        `,
      )}

      ${products.sums}
`,
    )}

    workgroupBarrier();
    ${rows((r) => `partial[${localRow(r)} * ${THREADS_N}u + column] = state${r}.row_sum;`)}
    workgroupBarrier();
    ${rows(
      (r) => wgsl`
        state${r}.row_sum = 0.0;
        for (var i = 0u; i < ${chunkVecs}; i++) {
          state${r}.row_sum += partial[${localRow(r)} * ${THREADS_N}u + i];
        }
        if (${plus('work.first_row + first_row', r)} < work.rows) {
          let sink = apply_sink(&state${r}, row${r}, work.split);
          let norm = sink * softmax_norm(state${r});
          let out_row = out_row_offset(row${r}, work.split);
          ${storeChunks(grid, `acc${r}`, valueDim(config), (sum) => `write_out(out_row, d, ${sum} * norm);`)}
          if (column == 0u) {
            write_lse(state${r}, row${r}, work.split);
          }
        }
      `,
    )}
  `;
  const thread = { name: 'thread', builtin: 'local_invocation_index' };
  return wgsl`
    ${products.arrays}
    var<workgroup> partial: array<f32, ${tileM * THREADS_N}>; // ${tileM * THREADS_N * 4} bytes

    ${products.functions}

    ${entryPoint(gridThreads(grid), thread, body)}
  `;
}
