import { wgsl } from '@heed/core/kernel';
import { dropWeight } from '../parts/dropped-weights.wgsl.ts';
import { takeSum, takeValues } from './cascade-states.ts';
import { plus } from '../parts/repeat.ts';
import { tileScores } from '../parts/score-chain.wgsl.ts';
import type { ForwardConfig, KeyTiles } from './kernel-config.ts';
import { queryDiagonals } from './subgroup-diagonals.wgsl.ts';
import {
  broadcast,
  dots,
  eachScore,
  firstOf,
  keyAt,
  keyOf,
  repeats,
  sums,
} from './subgroup-products.wgsl.ts';
import { keyLanes, type SubgroupTile } from './subgroup-tile.ts';
import { entryPoint, keyTileLoop, type ThreadIndex } from './tile-loops.wgsl.ts';

export const lane: ThreadIndex = { name: 'lane', builtin: 'subgroup_invocation_id' };

/**
 * Computes tiles by subgroup broadcast, without workgroup memory or barriers. Each lane keeps its query rows and their
 * accumulators in registers. Per tile, every lane loads its own keys, and each key is broadcast to all lanes.
 *
 * Loops over the head dim are bounded by parameters, not constants: compilers for narrow subgroups unroll constant loops
 * over private arrays completely, and then take minutes.
 */
export function subgroupMain(config: ForwardConfig, tile: SubgroupTile): string {
  const { rows, shown: keys } = repeats(tile);
  const [k, v] = [
    { name: 'k', dim: config.headDim, vecs: 'params.q_vecs' },
    { name: 'v', dim: config.headDimV, vecs: 'params.v_vecs' },
  ];
  const diagonals = queryDiagonals(tile, config);
  const body = wgsl`
    ${rows(
      (r) => wgsl`
        let index${r} = ${plus('work.first_row + lane', r * tile.subgroupSize)};
        let row${r} = make_row(work, index${r});
        var q${r} = array<vec4<f32>, ${Math.ceil(config.headDim / 4)}>();
        var acc${r} = array<vec4<f32>, ${Math.ceil(config.headDimV / 4)}>();
        ${takeSum(config, r, '0u', 1)}
      `,
    )}
    ${diagonals.declare}
    for (var d = 0u; d < params.q_vecs; d++) {
      ${rows((r) => `q${r}[d] = read_q(q_row_offset(row${r}), d * 4u) * q_scale();`)}
    }
    ${
      config.cascade?.pass === 'suffix' &&
      wgsl`
        for (var d = 0u; d < params.v_vecs; d++) {
          ${rows((r) => `acc${r}[d] = ${takeValues(r, 'd * 4u')};`)}
        }
      `
    }

    ${keyTileLoop(
      config,
      wgsl`
      ${ownKeys(tile, config)}

      ${dots(tile, 's', 'q', k)}
      ${diagonals.fill}
      ${tileScores(config.hooks, eachScore(tile, ['s'], firstOf(config), keyAt(config, diagonals)), { keepsDiagonals: diagonals.isKept })}
      ${rows(
        (r) => wgsl`
          let factor${r} = softmax_rescale(&state${r}, ${maximum(keys((n) => `s${r}_${n}`))});
          ${keys((n) => `s${r}_${n} = softmax_weight(s${r}_${n}, state${r}.row_max);`)}
          state${r}.row_sum += ${keys((n) => `s${r}_${n}`).join(' + ')};
          ${keys((n) => dropWeight(config.hooks, `s${r}_${n}`, { dropKey: `row${r}.drop_key`, key: keyOf(config, firstOf(config), n) }))}
        `,
      )}

      ${sums(tile, 'acc', 's', v, (r) => ` * factor${r}`)}
`,
    )}

    ${rows((r) =>
      config.cascade?.pass === 'prefix'
        ? wgsl`
            if (index${r} < work.rows) {
              let at = state_at(row${r}, work.split);
              keep_sum(at, state${r}.row_max, 0u, state${r}.row_sum);
              for (var d = 0u; d < params.v_vecs; d++) {
                keep_values(at, d * 4u, acc${r}[d]);
              }
            }
          `
        : wgsl`
        if (index${r} < work.rows) {
          let norm = finish_row(&state${r}, row${r}, work.split);
          for (var d = 0u; d < params.v_vecs; d++) {
            write_out(out_row_offset(row${r}, work.split), d * 4u, acc${r}[d] * norm);
          }
          write_lse(state${r}, row${r}, work.split);
        }
      `,
    )}
  `;
  return entryPoint(config, tile.subgroupSize, lane, body);
}

/**
 * Declares the keys that this lane broadcasts: their rows in k and in v, if the lane has any. For selected keys also declares
 * `named<n>`, the key of each vector, or −1.
 */
export function ownKeys(tile: SubgroupTile, { selectedBlock }: KeyTiles): string {
  const lanes = keyLanes(tile);
  const isSelected = selectedBlock > 0;
  const { owned, shown } = repeats(tile);
  const place = (g: number): string => plus(`lane % ${lanes}u`, g * lanes);
  return [
    ...owned(
      (g) => wgsl`
        ${
          isSelected
            ? `let own_named${g} = selected_key(work, first_entry + ${place(g)});`
            : `let key${g} = first_key + ${place(g)};`
        }
        let used${g} = ${isSelected ? `own_named${g} >= 0` : `key${g} < work.seq.k_len`};
        var k_row${g} = 0u;
        var v_row${g} = 0u;
        if (used${g}) {
          k_row${g} = k_row_offset(work.seq, head, ${isSelected ? `u32(own_named${g})` : `key${g}`});
          v_row${g} = v_row_offset(work.seq, head, ${isSelected ? `u32(own_named${g})` : `key${g}`});
        }
      `,
    ),
    ...(isSelected ? shown((n) => broadcast(tile, 'named', n, 'own_named')) : []),
  ].join('\n');
}

function maximum(names: readonly string[]): string {
  return names.reduce((a, b) => `max(${a}, ${b})`);
}
