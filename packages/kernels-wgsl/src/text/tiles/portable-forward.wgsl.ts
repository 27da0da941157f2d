import { sections, wgsl } from '@heed/core/kernel';
import { dropWeight } from '../parts/dropped-weights.wgsl.ts';
import { each, plus } from '../parts/repeat.ts';
import { tileScores } from '../parts/score-chain.wgsl.ts';
import { takeSum, takeValues } from './cascade-states.ts';
import type { ForwardConfig } from './kernel-config.ts';
import {
  columnKeys,
  dotProducts,
  fillKeys,
  keepWeights,
  keySide,
  lanes,
  rowSide,
  threadPlace,
  tileArrays,
  tileKeys,
  weightedSums,
} from './portable-products.wgsl.ts';
import type { PortableTile } from './portable-tile.ts';
import { stageRows, stageTileKeys } from './staging.wgsl.ts';
import {
  CHUNK,
  type Dim,
  eachScore,
  gridShape,
  gridThreads,
  localRow,
  storeChunks,
  THREADS_N,
} from './thread-grid.wgsl.ts';
import { entryPoint, keyTileLoop } from './tile-loops.wgsl.ts';

/**
 * Computes tiles through workgroup memory. For each key tile: computes scores, CHUNK elements of the head dim at a time;
 * applies softmax over the columns of the grid; then multiplies the weights, from workgroup memory, by CHUNK columns of v at a
 * time.
 */
export function portableMain(config: ForwardConfig, tile: PortableTile): string {
  const { tileM, tileN } = gridShape(tile);
  const { headDim, headDimV, hooks, qType, kvType, vType = kvType, read } = config;
  const { rowsPerThread, unroll } = tile;
  const rows = each(rowsPerThread);
  const chunkVecs = unroll ? `${THREADS_N}u` : 'params.chunk_vecs';
  const ofRows = { type: qType, access: read, grid: tile, rows: tileM };
  const ofKeys = { type: kvType, access: read, grid: tile, rows: tileN };
  const ofValues: Dim = { size: headDimV, bound: 'params.v_chunks' };
  const results = wgsl`
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
          let norm = finish_row(&state${r}, row${r}, work.split);
          let out_row = out_row_offset(row${r}, work.split);
          ${storeChunks(tile, `acc${r}`, ofValues, (sum) => `write_out(out_row, d, ${sum} * norm);`)}
          if (column == 0u) {
            write_lse(state${r}, row${r}, work.split);
          }
        }
      `,
    )}
  `;
  const keptStates = rows(
    (r) => wgsl`
      if (${plus('work.first_row + first_row', r)} < work.rows) {
        let at = state_at(row${r}, work.split);
        keep_sum(at, state${r}.row_max, column, state${r}.row_sum);
        ${storeChunks(tile, `acc${r}`, ofValues, (sum) => `keep_values(at, d, ${sum});`)}
      }
    `,
  );
  const body = wgsl`
    ${threadPlace(tile)}

    ${rows(
      (r) => wgsl`
        let row${r} = make_row(work, ${plus('work.first_row + first_row', r)});
        ${takeSum(config, r, 'column', THREADS_N)}
        var acc${r} = array<vec4<f32>, ${Math.ceil(headDimV / CHUNK)}>();
        ${config.cascade?.pass === 'suffix' && storeChunks(tile, `acc${r}`, ofValues, (sum) => `${sum} = ${takeValues(r, 'd')};`)}
      `,
    )}

    ${keyTileLoop(
      config,
      wgsl`
        ${fillKeys(tile, config)}
        ${dotProducts(tile, 's', rowSide('q'), keySide('k', config), { size: headDim, bound: 'params.q_vecs' })}

        ${columnKeys(config)}
        ${tileScores(
          hooks,
          eachScore(tile.rowsPerThread, (r, n) => ({ row: `row${r}`, key: `key${n}` })),
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
            ${lanes((n) => dropWeight(hooks, `s${r}[${n}]`, { dropKey: `row${r}.drop_key`, key: `key${n}` }))}
            ${keepWeights('q_tile', r)}
          `,
        )}

        ${weightedSums(tile, 'acc', 'q_tile', keySide('v', config), ofValues, (r) => ` * factor${r}`)}
      `,
    )}

    ${config.cascade?.pass === 'prefix' ? keptStates : results}
  `;
  const thread = { name: 'thread', builtin: 'local_invocation_index' };
  return sections(
    wgsl`
      ${tileArrays(tileM, tileN)}
      var<workgroup> partial: array<f32, ${tileM * THREADS_N}>; // ${tileM * THREADS_N * 4} bytes
      ${tileKeys(config)}
    `,
    stageRows({ name: 'q', dim: headDim, ...ofRows }, ' * q_scale()'),
    stageTileKeys(config, { name: 'k', dim: headDim, ...ofKeys }),
    stageTileKeys(config, { name: 'v', dim: headDimV, ...ofKeys, type: vType }),
    entryPoint(config, gridThreads(tile), thread, body),
  );
}
