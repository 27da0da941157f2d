import { wgsl } from '@heed/core/kernel';
import type { ForwardConfig } from '../../config/forward.ts';
import { entryPoint, keyTileLoop } from '../entry.wgsl.ts';
import { each } from '../../wgsl/each.ts';
import { plus } from '../../wgsl/plus.ts';
import { tileScores } from '../scores.wgsl.ts';
import { CHUNK, type PortableTile, portableShape, THREADS_N } from './config.ts';
import { dotProducts, eachScore, localRow, storeChunks, weightedSums } from './products.wgsl.ts';
import { keySide, rowSide, stageKeys, stageRows, tileArrays } from './staging.wgsl.ts';

/**
 * Tile compute through workgroup memory. Per key tile: scores, CHUNK elements of the head dim at a time; softmax; then
 * the weights, from workgroup memory, times CHUNK columns of v at a time.
 */
export function portableMain(config: ForwardConfig, tile: PortableTile): string {
  const { tileM, tileN } = portableShape(tile);
  const threads = tile.threadsM * THREADS_N;
  const rows = each(tile.rowsPerThread);
  const lanes = each(4);
  const chunkVecs = tile.unroll ? `${THREADS_N}u` : 'params.chunk_vecs';
  const values = { size: config.headDimV, bound: 'params.v_chunks' };
  const body = wgsl`
    let column = thread % ${THREADS_N}u;
    let first_row = thread / ${THREADS_N}u${tile.rowsPerThread > 1 && ` * ${tile.rowsPerThread}u`};

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
      ${dotProducts(tile, 's', rowSide('q'), keySide('k'), { size: config.headDim, bound: 'params.q_vecs' })}

      let key = i32(first_key + column * 4u);
      ${tileScores(
        config.hooks,
        eachScore(tile, (r, n) => ({ row: `row${r}`, key: plus('key', n, '') })),
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
          weights[${localRow(r)} * ${THREADS_N}u + column] = s${r};
        `,
      )}

      ${weightedSums(tile, 'acc', keySide('v'), values, (r) => ` * factor${r}`)}
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
          ${storeChunks(tile, `acc${r}`, values, (sum) => `write_out(out_row, d, ${sum} * norm);`)}
          if (column == 0u) {
            write_lse(state${r}, row${r}, work.split);
          }
        }
      `,
    )}
  `;
  return wgsl`
    ${tileArrays(tileM, tileN)}
    var<workgroup> weights: array<vec4<f32>, ${tileM * THREADS_N}>; // ${tileM * THREADS_N * 16} bytes
    var<workgroup> partial: array<f32, ${tileM * THREADS_N}>; // ${tileM * THREADS_N * 4} bytes

    ${stageRows({ name: 'q', dim: config.headDim, threads }, ' * q_scale()')}

    ${stageKeys({ name: 'k', dim: config.headDim, threads })}

    ${stageKeys({ name: 'v', dim: config.headDimV, threads })}

    ${entryPoint(threads, { name: 'thread', builtin: 'local_invocation_index' }, body)}
  `;
}
