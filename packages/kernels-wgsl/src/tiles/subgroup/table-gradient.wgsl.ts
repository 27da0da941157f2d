import { wgsl } from '@heed/core/kernel';
import type { BackwardConfig } from '../../config/backward.ts';
import { collectRow, collectScore, declareRowSums } from '../../wgsl/collect.wgsl.ts';
import { keyTileLoop } from '../entry.wgsl.ts';
import { type EachScore, tileScores } from '../scores.wgsl.ts';
import type { SubgroupTile } from './config.ts';
import { k, queryRows, v } from './gradient-parts.wgsl.ts';
import { dots, eachScore, keyAt, repeats, score } from './products.wgsl.ts';
import { ownKeys } from './subgroup.wgsl.ts';

/** What the tables of the last score hook get from a lane's queries. */
export function tableGradient(config: BackwardConfig, tile: SubgroupTile): string {
  const { hooks } = config;
  const { rows, shown: keys } = repeats(tile);
  const hook = hooks.scores.at(-1)!;
  const each = (arrays: [string, string?]): EachScore =>
    eachScore(tile, arrays, 'first_key', keyAt());
  return wgsl`
    ${queryRows(config, tile)}
    ${rows((r) => declareRowSums(hook, `row${r}`))}

    ${keyTileLoop(
      hooks,
      wgsl`
        ${ownKeys(tile)}

        ${dots(tile, 's', 'q', k)}
        ${rows((r) => keys((n) => `var ${score('g', r, n)} = ${score('s', r, n)};`))}
        ${tileScores(hooks, each(['g']))}
        ${dots(tile, 'dp', 'dout', v)}
        ${rows((r) =>
          keys((n) => {
            const [g, dp] = [score('g', r, n), score('dp', r, n)];
            return `${g} = pair_gradient(pair_weight(${g}, state${r}.row_max, state${r}.norm), ${dp}, state${r}.delta, 1.0);`;
          }),
        )}
        // A row beyond the sequence is a copy of the last.
        ${rows((r) => keys((n) => `${score('g', r, n)} = select(0.0, ${score('g', r, n)}, index${r} < work.rows);`))}
        ${each(['s', 'g'])((one) => collectScore(hook, one), true)}
      `,
    )}

    ${rows((r) => collectRow(hook, `row${r}`))}
  `;
}
