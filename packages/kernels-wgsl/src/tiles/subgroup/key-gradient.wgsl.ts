import { wgsl } from '@heed/core/kernel';
import type { BackwardConfig } from '../../config/backward.ts';
import { plus } from '../../wgsl/plus.ts';
import { keyTileStart, queryTileLoop } from '../entry.wgsl.ts';
import { type EachScore, tileScores } from '../scores.wgsl.ts';
import { keyLanes, type SubgroupTile } from './config.ts';
import { keyDiagonals } from './diagonals.wgsl.ts';
import { array, dout, k, q, slopesOf, v } from './gradient-parts.wgsl.ts';
import { dots, eachScore, pass, repeats, score, sums } from './products.wgsl.ts';

/** dk and dv of a lane's keys: dv = Σ P·dOut, dk = scale·Σ dScore·q, over the group's heads and the queries that see them. */
export function keyGradient(config: BackwardConfig, tile: SubgroupTile): string {
  const { hooks, headDim, headDimV } = config;
  const lanes = keyLanes(tile);
  const { rows, shown: queries, owned } = repeats(tile);
  const slopes = slopesOf(config, tile);
  const diagonals = keyDiagonals(tile, hooks);
  const ownState = (field: string, n: number): string =>
    `subgroupBroadcast(own_state${Math.floor(n / lanes)}.${field}, ${n % lanes}u)`;
  const where: Where = (r, _, n) => ({ row: 'row', key: `i32(key${r})`, ...diagonals.of(r, n) });
  return wgsl`
    ${keyTileStart}
    ${rows(
      (r) => wgsl`
        let key${r} = ${plus('first_key + lane', r * tile.subgroupSize)};
        ${array(`k${r}`, headDim)}
        ${array(`v${r}`, headDimV)}
        ${array(`dk${r}`, headDim)}
        ${array(`dv${r}`, headDimV)}
        if (key${r} < seq.k_len) {
          for (var d = 0u; d < ${k.vecs}; d++) {
            k${r}[d] = read_k(k_row_offset(seq, head, key${r}), d * 4u);
          }
          for (var d = 0u; d < ${v.vecs}; d++) {
            v${r}[d] = read_v(v_row_offset(seq, head, key${r}), d * 4u);
          }
        }
      `,
    )}

    ${diagonals.declare}
    ${queryTileLoop(wgsl`
      ${owned(
        (g) => wgsl`
          let index${g} = ${plus(`work.first_row + lane % ${lanes}u`, g * lanes)};
          let used${g} = index${g} < work.rows;
          let own_row${g} = make_row(work, index${g});
          let q_row${g} = q_row_offset(own_row${g});
          let dout_row${g} = dout_row_offset(own_row${g});
          var own_state${g} = row_state(own_row${g});
          if (!used${g}) {
            own_state${g} = NO_ROW;
          }
        `,
      )}

      ${dots(tile, 's', 'k', { ...q, factor: ' * q_scale()' })}
      ${slopes.declare}
      ${diagonals.fill}
      ${tileScores(hooks, eachQuery(tile, slopes.names, where), { withSlopes: true, keepsDiagonals: diagonals.isKept })}
      ${queries(
        (n) => wgsl`
          let row_max${n} = ${ownState('row_max', n)};
          let norm${n} = ${ownState('norm', n)};
          ${rows((r) => `${score('s', r, n)} = pair_weight(${score('s', r, n)}, row_max${n}, norm${n});`)}
        `,
      )}
      ${rows((r) => queries((n) => `var ${score('dp', r, n)} = 0.0;`))}
      ${pass(tile, dout, {
        before: rows((r) => [`let v${r}_d = v${r}[d];`, `var dv${r}_d = dv${r}[d];`]),
        each: (r, n, vector) =>
          `${score('dp', r, n)} += dot(v${r}_d, ${vector});\ndv${r}_d += ${score('s', r, n)} * ${vector};`,
        after: rows((r) => `dv${r}[d] = dv${r}_d;`),
      })}
      ${queries(
        (n) => wgsl`
          let delta${n} = ${ownState('delta', n)};
          ${rows((r) => `${score('s', r, n)} = pair_gradient(${score('s', r, n)}, ${score('dp', r, n)}, delta${n}, ${slopes.of(r, n)});`)}
        `,
      )}
      ${sums(tile, 'dk', 's', q)}
    `)}

    ${rows(
      (r) => wgsl`
        if (key${r} < seq.k_len) {
          for (var d = 0u; d < ${k.vecs}; d++) {
            write_dk(dk_row_offset(seq, head, key${r}), d * 4u, dk${r}[d] * params.scale);
          }
          for (var d = 0u; d < ${v.vecs}; d++) {
            write_dv(dv_row_offset(seq, head, key${r}), d * 4u, dv${r}[d]);
          }
        }
      `,
    )}
  `;
}

type Where = Parameters<typeof eachScore>[3];

// The statements of a query share its row.
function eachQuery(tile: SubgroupTile, names: readonly [string, string?], where: Where): EachScore {
  const braced = eachScore(
    tile,
    names,
    'work.first_row',
    where,
    (first, n) => `row = make_row(work, ${plus(first, n)});`,
  );
  return (statement, isLong) => wgsl`
    {
      var row = Row();
      ${braced(statement, isLong)}
    }
  `;
}
