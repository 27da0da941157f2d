import { wgsl } from '@heed/core/kernel';
import type { BackwardConfig } from '../../config/backward.ts';
import { keyTileLoop } from '../entry.wgsl.ts';
import { tileScores } from '../scores.wgsl.ts';
import type { SubgroupTile } from './config.ts';
import { queryDiagonals } from './diagonals.wgsl.ts';
import { array, k, q, queryRows, slopesOf, v } from './gradient-parts.wgsl.ts';
import { dots, eachScore, keyAt, repeats, score, sums } from './products.wgsl.ts';
import { ownKeys } from './subgroup.wgsl.ts';

/** dq of a lane's queries: dq = scale·Σ dScore·k over the key tiles that they see. */
export function queryGradient(config: BackwardConfig, tile: SubgroupTile): string {
  const { hooks, headDim } = config;
  const { rows, shown: keys } = repeats(tile);
  const slopes = slopesOf(config, tile);
  const diagonals = queryDiagonals(tile, hooks);
  const each = eachScore(tile, slopes.names, 'first_key', keyAt(diagonals));
  return wgsl`
    ${queryRows(config, tile)}
    ${rows((r) => array(`dq${r}`, headDim))}
    ${diagonals.declare}

    ${keyTileLoop(
      hooks,
      wgsl`
        ${ownKeys(tile)}

        ${dots(tile, 's', 'q', k)}
        ${slopes.declare}
        ${diagonals.fill}
        ${tileScores(hooks, each, { withSlopes: true, keepsDiagonals: diagonals.isKept })}
        ${dots(tile, 'dp', 'dout', v)}
        ${rows((r) =>
          keys((n) => {
            const [s, dp] = [score('s', r, n), score('dp', r, n)];
            return `${s} = pair_gradient(pair_weight(${s}, state${r}.row_max, state${r}.norm), ${dp}, state${r}.delta, ${slopes.of(r, n)});`;
          }),
        )}
        ${sums(tile, 'dq', 's', k)}
      `,
    )}

    ${rows(
      (r) => wgsl`
        if (index${r} < work.rows) {
          for (var d = 0u; d < ${q.vecs}; d++) {
            write_dq(out_row_offset(row${r}, 0u), d * 4u, dq${r}[d] * params.scale);
          }
        }
      `,
    )}
  `;
}
