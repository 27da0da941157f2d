import { wgsl, type WgslPart } from '@heed/core/kernel';
import {
  dropGradient,
  dropWeight,
  keepScale,
  keptGradient,
} from '../parts/dropped-weights.wgsl.ts';
import { hasScoreDerivatives } from '../parts/hook.ts';
import { plus } from '../parts/repeat.ts';
import { type EachScore, tileScores } from '../parts/score-chain.wgsl.ts';
import { collectRow, collectScore, declareRowSums } from '../parts/table-sums.wgsl.ts';
import type { BackwardConfig } from './kernel-config.ts';
import { keyDiagonals, queryDiagonals } from './subgroup-diagonals.wgsl.ts';
import { lane, ownKeys } from './subgroup-forward.wgsl.ts';
import {
  dots,
  eachScore,
  firstOf,
  keyAt,
  keyOf,
  pass,
  repeats,
  score,
  type Shown,
  sums,
} from './subgroup-products.wgsl.ts';
import { keyLanes, type SubgroupTile } from './subgroup-tile.ts';
import {
  type GradientBodies,
  gradientEntry,
  keyTileLoop,
  keyTileStart,
  queryTileLoop,
} from './tile-loops.wgsl.ts';

/** Returns the entry point of a backward kernel, which uses subgroup broadcast as the forward kernel does. */
export function subgroupBackward(config: BackwardConfig, tile: SubgroupTile): string {
  return gradientEntry(config, tile, tile.subgroupSize, lane, bodies);
}

const bodies: GradientBodies<SubgroupTile> = {
  q: queryGradient,
  kv: keyGradient,
  tables: tableGradient,
};

/** Computes dq of a lane's queries: dq = scale·Σ dScore·k over the key tiles that the queries see. */
function queryGradient(config: BackwardConfig, tile: SubgroupTile): string {
  const { hooks, headDim } = config;
  const { q, k, v } = vectorsOf(config);
  const { rows, shown: keys } = repeats(tile);
  const scoreDerivatives = scoreDerivativesOf(config, tile);
  const diagonals = queryDiagonals(tile, config);
  const where = keyAt(config, diagonals);
  const each = eachScore(tile, scoreDerivatives.names, firstOf(config), where);
  return wgsl`
    ${queryRows(config, tile)}
    ${rows((r) => array(`dq${r}`, headDim))}
    ${diagonals.declare}

    ${keyTileLoop(
      config,
      wgsl`
        ${ownKeys(tile, config)}

        ${dots(tile, 's', 'q', k)}
        ${scoreDerivatives.declare}
        ${diagonals.fill}
        ${tileScores(hooks, each, { withDerivatives: true, keepsDiagonals: diagonals.isKept })}
        ${dots(tile, 'dp', 'dout', v)}
        ${rows((r) => keys((n) => dropGradient(hooks, score('dp', r, n), droppedAt(config, r, n))))}
        ${rows((r) =>
          keys((n) => {
            const [s, dp] = [score('s', r, n), score('dp', r, n)];
            return `${s} = pair_gradient(pair_weight(${s}, state${r}.row_max, state${r}.norm), ${dp}, state${r}.delta, ${scoreDerivatives.of(r, n)});`;
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

/**
 * Computes dk and dv of a lane's keys: dv = Σ P·dOut, dk = scale·Σ dScore·q, over the group's heads and the queries that see
 * them.
 */
function keyGradient(config: BackwardConfig, tile: SubgroupTile): string {
  const { hooks, headDim, headDimV } = config;
  const { q, k, v, dout } = vectorsOf(config);
  const lanes = keyLanes(tile);
  const { rows, shown: queries, owned } = repeats(tile);
  const scoreDerivatives = scoreDerivativesOf(config, tile);
  const diagonals = keyDiagonals(tile, hooks);
  const ownState = (field: string, n: number): string =>
    `subgroupBroadcast(own_state${Math.floor(n / lanes)}.${field}, ${n % lanes}u)`;
  const ownDropKey = (n: number): string =>
    `subgroupBroadcast(own_row${Math.floor(n / lanes)}.drop_key, ${n % lanes}u)`;
  const kept = hooks.drop ? 'kept' : 's';
  const where: Where = (r, _, n) => ({ row: 'row', key: `i32(key${r})`, ...diagonals.of(r, n) });
  return wgsl`
    ${keyTileStart()}
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
      ${scoreDerivatives.declare}
      ${diagonals.fill}
      ${tileScores(hooks, eachQuery(tile, scoreDerivatives.names, where), { withDerivatives: true, keepsDiagonals: diagonals.isKept })}
      ${queries(
        (n) => wgsl`
          let row_max${n} = ${ownState('row_max', n)};
          let norm${n} = ${ownState('norm', n)};
          ${rows((r) => `${score('s', r, n)} = pair_weight(${score('s', r, n)}, row_max${n}, norm${n});`)}
          ${hooks.drop && `let drop_key${n} = ${ownDropKey(n)};`}
          ${hooks.drop && rows((r) => `var ${score(kept, r, n)} = ${score('s', r, n)};`)}
          ${rows((r) => dropWeight(hooks, score(kept, r, n), { dropKey: `drop_key${n}`, key: `i32(key${r})` }))}
        `,
      )}
      ${rows((r) => queries((n) => `var ${score('dp', r, n)} = 0.0;`))}
      ${pass(tile, dout, {
        before: rows((r) => [`let v${r}_d = v${r}[d];`, `var dv${r}_d = dv${r}[d];`]),
        each: (r, n, vector) =>
          `${score('dp', r, n)} += dot(v${r}_d, ${vector});\ndv${r}_d += ${score(kept, r, n)} * ${vector};`,
        results: rows((r) => `dv${r}`),
      })}
      ${queries(
        (n) => wgsl`
          let delta${n} = ${ownState('delta', n)};
          ${rows((r) => keptGradient(hooks, score('dp', r, n), { weight: score('s', r, n), kept: score(kept, r, n) }))}
          ${rows((r) => `${score('s', r, n)} = pair_gradient(${score('s', r, n)}, ${score('dp', r, n)}, delta${n}, ${scoreDerivatives.of(r, n)});`)}
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
            write_dv(dv_row_offset(seq, head, key${r}), d * 4u, dv${r}[d]${keepScale(hooks)});
          }
        }
      `,
    )}
  `;
}

/** The pair of a lane's row r and key n, for what drops weights. */
const droppedAt = (
  config: BackwardConfig,
  r: number,
  n: number,
): Parameters<typeof dropGradient>[2] => ({
  dropKey: `row${r}.drop_key`,
  key: keyOf(config, firstOf(config), n),
});

type Where = Parameters<typeof eachScore>[3];

// The statements for a query share its row.
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

/** Adds the contributions of a lane's queries to the gradients of the collected tables. */
function tableGradient(config: BackwardConfig, tile: SubgroupTile): string {
  const { hooks } = config;
  const { k, v } = vectorsOf(config);
  const { rows, shown: keys } = repeats(tile);
  const collects = config.collects!;
  const each = (arrays: [string, string?]): EachScore =>
    eachScore(tile, arrays, firstOf(config), keyAt(config));
  return wgsl`
    ${queryRows(config, tile)}
    ${rows((r) => declareRowSums(collects, `row${r}`))}

    ${keyTileLoop(
      config,
      wgsl`
        ${ownKeys(tile, config)}

        ${dots(tile, 's', 'q', k)}
        ${rows((r) => keys((n) => `var ${score('g', r, n)} = ${score('s', r, n)};`))}
        ${tileScores(hooks, each(['g']))}
        ${dots(tile, 'dp', 'dout', v)}
        ${rows((r) => keys((n) => dropGradient(hooks, score('dp', r, n), droppedAt(config, r, n))))}
        ${rows((r) =>
          keys((n) => {
            const [g, dp] = [score('g', r, n), score('dp', r, n)];
            return `${g} = pair_gradient(pair_weight(${g}, state${r}.row_max, state${r}.norm), ${dp}, state${r}.delta, 1.0);`;
          }),
        )}
        // A row beyond the sequence is a copy of the last.
        ${rows((r) => keys((n) => `${score('g', r, n)} = select(0.0, ${score('g', r, n)}, index${r} < work.rows);`))}
        ${each(['s', 'g'])((one) => collectScore(hooks, collects, one).join('\n'), true)}
      `,
    )}

    ${rows((r) => collectRow(collects, `row${r}`))}
  `;
}

/** Returns the vectors that are broadcast, by name. */
function vectorsOf({
  headDim,
  headDimV,
}: BackwardConfig): Readonly<Record<'q' | 'k' | 'v' | 'dout', Shown>> {
  const qk = { dim: headDim, vecs: 'params.q_vecs' };
  const vo = { dim: headDimV, vecs: 'params.v_vecs' };
  return {
    q: { name: 'q', ...qk },
    k: { name: 'k', ...qk },
    v: { name: 'v', ...vo },
    dout: { name: 'dout', ...vo },
  };
}

/** Declares one of a lane's vectors, in registers. */
const array = (name: string, dim: number): string =>
  `var ${name} = array<vec4<f32>, ${Math.ceil(dim / 4)}>();`;

interface ScoreDerivatives {
  /** Names of the arrays that a score hook writes. */
  readonly names: [string, string?];
  readonly declare: WgslPart;
  readonly of: (r: number, n: number) => string;
}

/** Declares the derivatives of a lane's scores in an array if hooks change scores; otherwise they are 1. */
function scoreDerivativesOf({ hooks }: BackwardConfig, tile: SubgroupTile): ScoreDerivatives {
  const { rows, shown } = repeats(tile);
  const has = hasScoreDerivatives(hooks);
  return {
    names: has ? ['s', 'score_derivative'] : ['s'],
    declare: has && rows((r) => shown((n) => `var ${score('score_derivative', r, n)} = 1.0;`)),
    of: (r: number, n: number): string => (has ? score('score_derivative', r, n) : '1.0'),
  };
}

/** Declares the lane's query rows, and all values read for them. */
function queryRows(config: BackwardConfig, tile: SubgroupTile): string {
  const { headDim, headDimV } = config;
  const { q, dout } = vectorsOf(config);
  const { rows } = repeats(tile);
  return wgsl`
    ${rows(
      (r) => wgsl`
        let index${r} = ${plus('work.first_row + lane', r * tile.subgroupSize)};
        let row${r} = make_row(work, index${r});
        let state${r} = row_state(row${r});
        ${array(`q${r}`, headDim)}
        ${array(`dout${r}`, headDimV)}
      `,
    )}
    for (var d = 0u; d < ${q.vecs}; d++) {
      ${rows((r) => `q${r}[d] = read_q(q_row_offset(row${r}), d * 4u) * q_scale();`)}
    }
    for (var d = 0u; d < ${dout.vecs}; d++) {
      ${rows((r) => `dout${r}[d] = read_dout(dout_row_offset(row${r}), d * 4u);`)}
    }
  `;
}
