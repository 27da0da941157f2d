import { wgsl } from '@heed/core/kernel';
import type { BackwardConfig } from '../../config/backward.ts';
import { collectRow, collectScore, declareRowSums } from '../../wgsl/collect.wgsl.ts';
import { each } from '../../wgsl/each.ts';
import { plus } from '../../wgsl/plus.ts';
import { keyTileLoop } from '../entry.wgsl.ts';
import { eachScore } from '../grid/threads.wgsl.ts';
import { tileScores } from '../scores.wgsl.ts';
import type { PortableTile } from './config.ts';
import { keyAt, ownRows, rowProducts } from './gradient-parts.wgsl.ts';

const lanes = each(4);

/** What the tables of the last score hook get from a tile of queries. */
export function tableGradient(config: BackwardConfig, tile: PortableTile): string {
  const { hooks } = config;
  const rows = each(tile.rowsPerThread);
  const hook = hooks.scores.at(-1)!;
  return wgsl`
    ${ownRows(tile)}

    ${rows(
      (r) => wgsl`
        let row${r} = make_row(work, ${plus('work.first_row + first_row', r)});
        let state${r} = row_state(row${r});
        ${declareRowSums(hook, `row${r}`)}
      `,
    )}

    ${keyTileLoop(
      hooks,
      wgsl`
        ${rowProducts(config, tile)}
        ${rows((r) => `var product${r} = s${r};`)}
        ${tileScores(hooks, eachScore(tile, keyAt))}
        ${rows(
          (r) => wgsl`
            ${lanes((n) => `s${r}[${n}] = pair_gradient(pair_weight(s${r}[${n}], state${r}.row_max, state${r}.norm), dp${r}[${n}], state${r}.delta, 1.0);`)}
            if (${plus('work.first_row + first_row', r)} < work.rows) {
              ${lanes((n) => collectScore(hook, { score: `product${r}[${n}]`, slope: `s${r}[${n}]`, ...keyAt(r, n) }))}
            }
          `,
        )}
      `,
    )}

    ${rows((r) => collectRow(hook, `row${r}`))}
  `;
}
