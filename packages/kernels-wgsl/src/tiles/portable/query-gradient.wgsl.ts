import { wgsl } from '@heed/core/kernel';
import type { BackwardConfig } from '../../config/backward.ts';
import { each } from '../../wgsl/each.ts';
import { plus } from '../../wgsl/plus.ts';
import { keyTileLoop } from '../entry.wgsl.ts';
import { CHUNK, THREADS_N } from '../grid/config.ts';
import { eachScore, localRow, storeChunks } from '../grid/threads.wgsl.ts';
import { tileScores } from '../scores.wgsl.ts';
import type { PortableTile } from './config.ts';
import { keyAt, ownRows, qChunks, rowProducts, slopeOf, slopes } from './gradient-parts.wgsl.ts';
import { weightedSums } from './products.wgsl.ts';
import { keySide } from './sides.wgsl.ts';

const lanes = each(4);

/** dq of a tile of queries: dq = scale·Σ dScore·k over the key tiles that it sees. */
export function queryGradient(config: BackwardConfig, tile: PortableTile): string {
  const { headDim, hooks } = config;
  const rows = each(tile.rowsPerThread);
  return wgsl`
    ${ownRows(tile)}

    ${rows(
      (r) => wgsl`
        let row${r} = make_row(work, ${plus('work.first_row + first_row', r)});
        let state${r} = row_state(row${r});
        var dq${r} = array<vec4<f32>, ${Math.ceil(headDim / CHUNK)}>();
      `,
    )}

    ${keyTileLoop(
      hooks,
      wgsl`
        ${rowProducts(config, tile)}
        ${slopes(config, tile)}
        ${tileScores(hooks, eachScore(tile, keyAt), { withSlopes: true })}
        ${rows(
          (r) => wgsl`
            ${lanes((n) => `s${r}[${n}] = pair_gradient(pair_weight(s${r}[${n}], state${r}.row_max, state${r}.norm), dp${r}[${n}], state${r}.delta, ${slopeOf(config, r, n)});`)}
            weights[${localRow(r)} * ${THREADS_N}u + column] = s${r};
          `,
        )}
        ${weightedSums(tile, 'dq', keySide('k'), qChunks(config))}
      `,
    )}

    ${rows(
      (r) => wgsl`
        if (${plus('work.first_row + first_row', r)} < work.rows) {
          let out_row = out_row_offset(row${r}, 0u);
          ${storeChunks(tile, `dq${r}`, qChunks(config), (sum) => `write_dq(out_row, d, ${sum} * params.scale);`)}
        }
      `,
    )}
  `;
}
