import { wgsl } from '@heed/core/kernel';
import type { ForwardConfig } from '../../config/forward.ts';
import { entryPoint, keyTileLoop } from '../entry.wgsl.ts';
import { each } from '../../wgsl/each.ts';
import { plus } from '../../wgsl/plus.ts';
import { type EachScore, tileScores } from '../scores.wgsl.ts';
import { keyLanes, type SubgroupTile } from './config.ts';

/**
 * Tile compute by subgroup broadcast: no workgroup memory and no barrier. Each lane keeps its query rows and their
 * accumulators to itself; per tile every lane loads its own keys, and each key is broadcast to all.
 *
 * Loops over the head dim are bounded by parameters, not constants: compilers for narrow subgroups unroll constant loops
 * over private arrays completely, and then take minutes.
 */
export function subgroupMain(config: ForwardConfig, tile: SubgroupTile): string {
  const { rowsPerLane, subgroupSize, keysPerLane } = tile;
  const lanes = keyLanes(tile);
  const rows = each(rowsPerLane);
  const owned = each(keysPerLane);
  const keys = each(lanes * keysPerLane);
  // Key n of the tile is owned by lane n mod `lanes`, as its key number n div `lanes`.
  const broadcast = (name: string, n: number): string =>
    `let ${name}${n} = subgroupBroadcast(own${Math.floor(n / lanes)}, ${n % lanes}u);`;
  const body = wgsl`
    ${rows(
      (r) => wgsl`
        let index${r} = ${plus('work.first_row + lane', r * subgroupSize)};
        let row${r} = make_row(work, index${r});
        var q${r} = array<vec4<f32>, ${Math.ceil(config.headDim / 4)}>();
        var acc${r} = array<vec4<f32>, ${Math.ceil(config.headDimV / 4)}>();
        var state${r} = softmax_init();
      `,
    )}
    for (var d = 0u; d < params.q_vecs; d++) {
      ${rows((r) => `q${r}[d] = read_q(q_row_offset(row${r}), d * 4u) * q_scale();`)}
    }

    ${keyTileLoop(
      config.hooks,
      wgsl`
      ${owned(
        (g) => wgsl`
          let key${g} = ${plus(`first_key + lane % ${lanes}u`, g * lanes)};
          let used${g} = key${g} < work.seq.k_len;
          var k_row${g} = 0u;
          var v_row${g} = 0u;
          if (used${g}) {
            k_row${g} = k_row_offset(work.seq, head, key${g});
            v_row${g} = v_row_offset(work.seq, head, key${g});
          }
        `,
      )}

      ${rows((r) => keys((n) => `var s${r}_${n} = 0.0;`))}
      for (var d = 0u; d < params.q_vecs; d++) {
        ${owned((g) => loadOwn('k', g))}
        ${rows((r) => `let q${r}_d = q${r}[d];`)}
        ${keys(
          (n) => wgsl`
            ${broadcast('k', n)}
            ${rows((r) => `s${r}_${n} += dot(q${r}_d, k${n});`)}
          `,
        )}
      }

      ${tileScores(config.hooks, eachScore(tile))}
      ${rows(
        (r) => wgsl`
          let factor${r} = softmax_rescale(&state${r}, ${maximum(keys((n) => `s${r}_${n}`))});
          ${keys((n) => `s${r}_${n} = softmax_weight(s${r}_${n}, state${r}.row_max);`)}
          state${r}.row_sum += ${keys((n) => `s${r}_${n}`).join(' + ')};
        `,
      )}

      for (var d = 0u; d < params.v_vecs; d++) {
        ${owned((g) => loadOwn('v', g))}
        ${rows((r) => `var acc${r}_d = acc${r}[d] * factor${r};`)}
        ${keys(
          (n) => wgsl`
            ${broadcast('v', n)}
            ${rows((r) => `acc${r}_d += s${r}_${n} * v${n};`)}
          `,
        )}
        ${rows((r) => `acc${r}[d] = acc${r}_d;`)}
      }
`,
    )}

    ${rows(
      (r) => wgsl`
        if (index${r} < work.rows) {
          let norm = apply_sink(&state${r}, row${r}, work.split) * softmax_norm(state${r});
          for (var d = 0u; d < params.v_vecs; d++) {
            write_out(out_row_offset(row${r}, work.split), d * 4u, acc${r}[d] * norm);
          }
          write_lse(state${r}, row${r}, work.split);
        }
      `,
    )}
  `;
  return entryPoint(subgroupSize, { name: 'lane', builtin: 'subgroup_invocation_id' }, body);
}

/** A long statement is written for one lane group of keys, which are rotated through it: each has its turn, and its place back. */
const eachScore =
  (tile: SubgroupTile): EachScore =>
  (statement, isLong) => {
    const { rowsPerLane, keysPerLane } = tile;
    const lanes = keyLanes(tile);
    const rows = each(rowsPerLane);
    const score = (r: number, n: number): string => `s${r}_${n}`;
    const statements = (count: number, firstKey: string): readonly string[] =>
      rows((r) =>
        each(count)((n) =>
          statement({ score: score(r, n), row: `row${r}`, key: plus(firstKey, n, '') }),
        ).join('\n'),
      );
    if (!isLong || keysPerLane === 1)
      return statements(lanes * keysPerLane, 'i32(first_key)').join('\n');
    const rest = lanes * (keysPerLane - 1);
    return wgsl`
      for (var turn = 0u; turn < params.key_turns; turn++) {
        let turn_key = i32(first_key + turn * ${lanes}u);
        ${statements(lanes, 'turn_key')}
        ${rows((r) => each(lanes)((n) => `let done${r}_${n} = ${score(r, n)};`))}
        ${rows((r) => each(rest)((n) => `${score(r, n)} = ${score(r, n + lanes)};`))}
        ${rows((r) => each(lanes)((n) => `${score(r, rest + n)} = done${r}_${n};`))}
      }
    `;
  };

// Rows beyond the sequence's keys are not read: they may hold anything.
const loadOwn = (name: 'k' | 'v', g: number): string => wgsl`
  var own${g} = vec4<f32>();
  if (used${g}) {
    own${g} = read_${name}(${name}_row${g}, d * 4u);
  }
`;

function maximum(names: readonly string[]): string {
  return names.reduce((a, b) => `max(${a}, ${b})`);
}
