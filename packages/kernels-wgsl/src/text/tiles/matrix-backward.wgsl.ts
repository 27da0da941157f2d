import { sections, wgsl } from '@heed/core/kernel';
import {
  dropGradient,
  dropWeight,
  keepScale,
  keptGradient,
} from '../parts/dropped-weights.wgsl.ts';
import { each, plus } from '../parts/repeat.ts';
import { type TileScore, tileScores } from '../parts/score-chain.wgsl.ts';
import type { BackwardConfig } from './kernel-config.ts';
import { type MatrixTile, stagedVectors, threadRows, TILE_N } from './matrix-geometry.ts';
import {
  declareHeld,
  heldGradients,
  heldFactor,
  keepGradients,
  keepWeights,
  leftArray,
} from './matrix-gradients.wgsl.ts';
import {
  matrixIndices,
  matrixWorkgroup,
  passResult,
  passVector,
  type SummedResult,
  threadPlace,
  tileRow,
} from './matrix-passes.wgsl.ts';
import {
  addProducts,
  declareResult,
  loadOwnRows,
  type MatrixDim,
  type OwnRows,
  passProducts,
  scoreProducts,
  summedResult,
} from './matrix-products.wgsl.ts';
import {
  columnKey,
  columnKeys,
  keyLoads,
  loadKeys,
  loadQueries,
  matrixArraysText,
  type StagedRows,
  staging,
} from './matrix-staging.wgsl.ts';
import { eachScore, scoreDerivativeOf, scoreDerivatives } from './thread-grid.wgsl.ts';
import { gradientEntry, keyTileLoop, keyTileStart, queryTileLoop } from './tile-loops.wgsl.ts';

const lanes = each(4);

/**
 * Returns the entry point of dq, or of dk and dv. As in the forward pass, a subgroup keeps the operands and the results of its
 * rows in matrices: of queries, or of keys. Scores and dP pass through workgroup memory to the threads, which apply the hooks,
 * and return as weights and gradients of scores.
 */
export function matrixBackward(config: BackwardConfig, tile: MatrixTile): string {
  const { of } = config;
  if (of === 'tables') throw new Error('the matrix path has no kernel for gradients of tables');
  const [lane, subgroup] = matrixIndices;
  const load = (rows: StagedRows): string =>
    of === 'q' ? loadKeys(tile, rows, config) : loadQueries(tile, rows);
  const bodies = { q: queryGradient, kv: keyGradient, tables: () => '' };
  return sections(
    matrixArraysText(config, tile, of),
    ...stagedRows(config, tile).map(load),
    heldGradients(tile),
    gradientEntry(config, tile, matrixWorkgroup(tile), lane, bodies, subgroup),
  );
}

/** Computes dq of a tile of queries: dq = scale·Σ dScore·k over the key tiles that the queries see. */
function queryGradient(config: BackwardConfig, tile: MatrixTile): string {
  const { hooks, headDim } = config;
  const rows = each(threadRows(tile));
  const [k, v] = stagedRows(config, tile);
  const keys = staging(tile, k, keyLoads(config, k));
  const values = staging(tile, v, keyLoads(config, v));
  const query = ownRows(config, 'q', (r) => `q_row_offset(row${r})`);
  const dout = ownRows(config, 'dout', (r) => `dout_row_offset(row${r})`);
  const dq = summedResult(tile, 'dq', qDim(config));
  return wgsl`
    ${threadPlace(tile)}

    ${rows(
      (r) => wgsl`
        let row${r} = make_row(work, work.first_row + ${tileRow(tile, r)});
        let state${r} = row_state(row${r});
      `,
    )}
    ${loadOwnRows(tile, query, leftArray(tile, 'gradients'))}
    ${loadOwnRows(tile, dout, leftArray(tile, 'gradients'))}
    ${declareResult(tile, dq)}
    ${declareHeld(tile)}

    ${keyTileLoop(
      config,
      wgsl`
        ${keys.loads}
        ${values.loads}
        workgroupBarrier();
        ${keys.stores}
        ${values.stores}
        workgroupBarrier();
        ${tileProducts(tile, [query, k], [dout, v])}

        ${columnKeys(config)}
        ${pairScores(config, tile, (r, n) => ({ row: `row${r}`, key: columnKey(config, n) }))}
        ${rows((r) => lanes((n) => dropGradient(hooks, `dp${r}[${n}]`, { dropKey: `row${r}.drop_key`, key: columnKey(config, n) })))}
        ${rows((r) => lanes((n) => pairGradient(config, [r, n], pairWeight(r, n, r), r)))}
        ${keepGradients(tile, dq)}
        ${addProducts(tile, dq, { weights: left(tile, 'gradients'), other: { name: 'tile_k', array: k.array } })}
      `,
    )}

    workgroupBarrier();
    ${passResult(
      tile,
      dq,
      (r, d) => wgsl`
        if (work.first_row + ${tileRow(tile, r)} < work.rows${inside(headDim, d)}) {
          write_dq(out_row_offset(row${r}, 0u), ${d}, ${passVector(tile, r)}${heldFactor(tile, 'gradients')});
        }
      `,
    )}
  `;
}

/**
 * Computes dk and dv of a tile of keys: dv = Σ P·dOut, dk = scale·Σ dScore·q, over the group's heads and the query tiles
 * that see it.
 */
function keyGradient(config: BackwardConfig, tile: MatrixTile): string {
  const { hooks, headDim, headDimV } = config;
  const rows = each(threadRows(tile));
  const [q, dout] = stagedRows(config, tile);
  const queries = staging(tile, q, (i) => `staged_q(work, ${i})`);
  const douts = staging(tile, dout, (i) => `staged_dout(work, ${i})`);
  const keyOf = (r: number): string => `min(u32(key${r}), seq.k_len - 1u)`;
  const k = ownRows(config, 'k', (r) => `k_row_offset(seq, head, ${keyOf(r)})`);
  const v = ownRows(config, 'v', (r) => `v_row_offset(seq, head, ${keyOf(r)})`);
  const dk = summedResult(tile, 'dk', qDim(config));
  const dv = summedResult(tile, 'dv', vDim(config));
  return wgsl`
    ${keyTileStart()}
    ${threadPlace(tile)}

    ${rows((r) => `let key${r} = i32(first_key + ${tileRow(tile, r)});`)}
    ${loadOwnRows(tile, k, leftArray(tile, 'gradients'))}
    ${loadOwnRows(tile, v, leftArray(tile, 'gradients'))}
    ${declareResult(tile, dk)}
    ${declareResult(tile, dv)}
    ${declareHeld(tile)}

    ${queryTileLoop(wgsl`
      ${queries.loads}
      ${douts.loads}
      ${lanes(
        (n) => wgsl`
          let index${n} = ${plus('work.first_row + column * 4u', n)};
          let row${n} = make_row(work, index${n});
          var state${n} = row_state(row${n});
          if (index${n} >= work.rows) {
            state${n} = NO_ROW;
          }
        `,
      )}
      workgroupBarrier();
      ${queries.stores}
      ${douts.stores}
      workgroupBarrier();
      ${tileProducts(tile, [k, q], [v, dout])}

      ${pairScores(config, tile, (r, n) => ({ row: `row${n}`, key: `key${r}` }))}
      ${rows((r) => lanes((n) => `s${r}[${n}] = ${pairWeight(r, n, n)};`))}
      ${hooks.drop && rows((r) => keptWeights(config, r))}
      ${keepWeights(tile, hooks.drop ? 'kept' : 's')}
      ${rows((r) => lanes((n) => pairGradient(config, [r, n], `s${r}[${n}]`, n)))}
      ${keepGradients(tile, dk)}
      ${addProducts(tile, dv, { weights: left(tile, 'weights'), other: { name: 'tile_dout', array: dout.array } })}
      ${addProducts(tile, dk, { weights: left(tile, 'gradients'), other: { name: 'tile_q', array: q.array } })}
    `)}

    ${writeKeys(tile, dk, headDim, heldFactor(tile, 'gradients'))}
    ${writeKeys(tile, dv, headDimV, heldFactor(tile, 'weights') + keepScale(hooks))}
  `;
}

/** Declares the weights of a thread's row that are not dropped, `kept<r>`, and drops the others' gradients. */
const keptWeights = ({ hooks }: BackwardConfig, r: number): string => wgsl`
  var kept${r} = s${r};
  ${lanes((n) => [
    ...dropWeight(hooks, `kept${r}[${n}]`, { dropKey: `row${n}.drop_key`, key: `key${r}` }),
    ...keptGradient(hooks, `dp${r}[${n}]`, { weight: `s${r}[${n}]`, kept: `kept${r}[${n}]` }),
  ])}
`;

function writeKeys(tile: MatrixTile, result: SummedResult, dim: number, factor: string): string {
  const { name } = result;
  return wgsl`
    workgroupBarrier();
    ${passResult(
      tile,
      result,
      (r, d) => wgsl`
        if (u32(key${r}) < seq.k_len${inside(dim, d)}) {
          write_${name}(${name}_row_offset(seq, head, u32(key${r})), ${d}, ${passVector(tile, r)}${factor});
        }
      `,
    )}
  `;
}

/** Returns the rows that are staged tile by tile: those of the other side. Each is first an inner dimension. */
function stagedRows(
  { of, headDim, headDimV }: BackwardConfig,
  tile: MatrixTile,
): [first: StagedRows, second: StagedRows] {
  const rows = (name: StagedRows['name'], dim: number, isSummed: boolean): StagedRows => {
    const vecs = stagedVectors(dim, tile, 'inner', ...(isSummed ? ['columns' as const] : []));
    return { name, dim, vecs, array: `${name}_tile` };
  };
  return of === 'q'
    ? [rows('k', headDim, true), rows('v', headDimV, false)]
    : [rows('q', headDim, true), rows('dout', headDimV, true)];
}

/** Returns the rows of a tensor that a subgroup owns. */
function ownRows(
  config: BackwardConfig,
  tensor: StagedRows['name'],
  offset: (r: number) => string,
): OwnRows {
  const dim = tensor === 'q' || tensor === 'k' ? qDim(config) : vDim(config);
  return {
    name: `own_${tensor}`,
    array: `${tensor}_tile`,
    dim,
    read: (r, d) => `read_${tensor}(${offset(r)}, ${d})`,
  };
}

const qDim = ({ headDim }: BackwardConfig): MatrixDim => ({
  size: headDim,
  bound: 'params.q_vecs',
});
const vDim = ({ headDimV }: BackwardConfig): MatrixDim => ({
  size: headDimV,
  bound: 'params.v_vecs',
});

type Operands = readonly [own: OwnRows, other: StagedRows];

/** Computes q · k and dOut · v of a tile, and gives them to the threads: `s<r>` and `dp<r>`. */
function tileProducts(tile: MatrixTile, ofScores: Operands, ofSlopes: Operands): string {
  const product = (sums: string, [own, { name, array }]: Operands): string =>
    scoreProducts(tile, { sums, own, other: { name: `tile_${name}`, array } });
  return wgsl`
    ${product('sums', ofScores)}
    ${product('slope_sums', ofSlopes)}
    ${passProducts(
      tile,
      { sums: 'sums', array: 'scores', thread: 's', scale: ' * q_scale()' },
      { sums: 'slope_sums', array: 'slopes', thread: 'dp' },
    )}
  `;
}

/** Turns the thread's products into scores, and computes their derivatives. */
const pairScores = (
  { hooks }: BackwardConfig,
  tile: MatrixTile,
  where: (r: number, n: number) => Pick<TileScore, 'row' | 'key'>,
): string => wgsl`
  ${scoreDerivatives(hooks, threadRows(tile))}
  ${tileScores(hooks, eachScore(threadRows(tile), where), { withDerivatives: true })}
`;

/** Returns P of the thread's row r and column n; `row` numbers the query's state. */
const pairWeight = (r: number, n: number, row: number): string =>
  `pair_weight(s${r}[${n}], state${row}.row_max, state${row}.norm)`;

/** Turns the score into its gradient. */
const pairGradient = (
  { hooks }: BackwardConfig,
  [r, n]: readonly [r: number, n: number],
  weight: string,
  row: number,
): string =>
  `s${r}[${n}] = pair_gradient(${weight}, dp${r}[${n}], state${row}.delta, ${scoreDerivativeOf(hooks, r, n)});`;

const left = (tile: MatrixTile, of: 'weights' | 'gradients'): { name: string; array: string } => ({
  name: of,
  array: leftArray(tile, of),
});

/** Returns the condition that a column is within the head dim, if it may not be. */
const inside = (dim: number, d: string): string => (dim % TILE_N > 0 ? ` && ${d} < ${dim}u` : '');
