import { wgsl } from '@heed/core/kernel';
import {
  dropGradient,
  dropWeight,
  keepScale,
  keptGradient,
} from '../parts/dropped-weights.wgsl.ts';
import { each, plus } from '../parts/repeat.ts';
import { type TileScore, tileScores } from '../parts/score-chain.wgsl.ts';
import { collectRow, collectScore, declareRowSums } from '../parts/table-sums.wgsl.ts';
import type { BackwardConfig } from './kernel-config.ts';
import {
  columnItem,
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
import { isApart, keepsStates, type PortableTile } from './portable-tile.ts';
import { stageRows, stageTileKeys } from './staging.wgsl.ts';
import {
  CHUNK,
  type Dim,
  eachScore,
  gridShape,
  gridThreads,
  scoreDerivativeOf,
  scoreDerivatives,
  storeChunks,
} from './thread-grid.wgsl.ts';
import { gradientShape } from './tile-path.ts';
import {
  type GradientBodies,
  gradientEntry,
  keyTileLoop,
  keyTileStart,
  queryTileLoop,
} from './tile-loops.wgsl.ts';

const thread = { name: 'thread', builtin: 'local_invocation_index' } as const;

/** Returns the entry point of a backward kernel, and the functions that stage its tiles. */
export function portableBackward(config: BackwardConfig, tile: PortableTile): string {
  const { of, headDim, headDimV, qType, kvType, read } = config;
  const { tileM, tileN } = gradientShape(of, gridShape(tile));
  const threads = gridThreads(tile);
  const ofRows = { type: qType, access: read, grid: tile, rows: tileM };
  const ofKeys = { type: kvType, access: read, grid: tile, rows: tileN };
  return wgsl`
    ${tileArrays(tileM, tileN)}
    ${tileKeys(config)}
    ${of === 'q' && keepsStates(tile, config) && `var<workgroup> states: array<RowState, ${tileM}>; // ${tileM * 12} bytes`}

    ${stageRows({ name: 'q', dim: headDim, ...ofRows }, ' * q_scale()')}

    ${stageRows({ name: 'dout', dim: headDimV, ...ofRows })}

    ${stageTileKeys(config, { name: 'k', dim: headDim, ...ofKeys })}

    ${stageTileKeys(config, { name: 'v', dim: headDimV, ...ofKeys })}

    ${gradientEntry(config, tile, threads, thread, bodies)}
  `;
}

const bodies: GradientBodies<PortableTile> = {
  q: queryGradient,
  kv: keyGradient,
  tables: tableGradient,
};

/** Computes dq of a tile of queries: dq = scale·Σ dScore·k over the key tiles that the queries see. */
function queryGradient(config: BackwardConfig, tile: PortableTile): string {
  const { headDim, hooks } = config;
  const rows = each(tile.rowsPerThread);
  const isKept = keepsStates(tile, config);
  return wgsl`
    ${threadPlace(tile)}

    ${rows(
      (r) => wgsl`
        let row${r} = make_row(work, ${plus('work.first_row + first_row', r)});
        ${!isKept && `let state${r} = row_state(row${r});`}
        var dq${r} = array<vec4<f32>, ${Math.ceil(headDim / CHUNK)}>();
      `,
    )}
    ${
      isKept &&
      wgsl`
        if (column == 0u) {
          ${rows((r) => `states[${plus('first_row', r)}] = row_state(row${r});`)}
        }
      `
    }

    ${keyTileLoop(
      config,
      wgsl`
        ${rowProducts(config, tile)}
        ${scoreDerivatives(config.hooks, tile.rowsPerThread)}
        ${tileScores(hooks, eachScore(tile.rowsPerThread, keyAt), { withDerivatives: true })}
        workgroupBarrier();
        ${rows(
          (r) => wgsl`
            ${isKept && `let state${r} = states[${plus('first_row', r)}];`}
            ${lanes((n) => dropGradient(hooks, `dp${r}[${n}]`, droppedAt(r, n)))}
            ${lanes((n) => `s${r}[${n}] = pair_gradient(pair_weight(s${r}[${n}], state${r}.row_max, state${r}.norm), dp${r}[${n}], state${r}.delta, ${scoreDerivativeOf(hooks, r, n)});`)}
            ${keepWeights('q_tile', r)}
          `,
        )}
        ${weightedSums(tile, 'dq', 'q_tile', keySide('k', config), qChunks(config))}
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

/**
 * Computes dk and dv of a tile of keys: dv = Σ P·dOut, dk = scale·Σ dScore·q, over the group's heads and the query tiles
 * that see it.
 */
function keyGradient(config: BackwardConfig, tile: PortableTile): string {
  const apart = isApart(tile, config);
  return wgsl`
    ${keyTileStart(apart ? 'unit / 2u' : 'unit')}
    ${threadPlace(tile)}
    let key = i32(first_key + first_row);

    ${
      apart
        ? wgsl`
            if (unit % 2u == 0u) {
              ${keySums(config, tile, ['dv'])}
            } else {
              ${keySums(config, tile, ['dk'])}
            }
          `
        : keySums(config, tile, ['dk', 'dv'])
    }
  `;
}

type KeySum = 'dk' | 'dv';

/** Returns the loop over queries that sums up dk, dv or both, and stores them. */
function keySums(config: BackwardConfig, tile: PortableTile, sums: readonly KeySum[]): string {
  const { hooks } = config;
  const rows = each(tile.rowsPerThread);
  const kept = hooks.drop ? 'kept' : 's';
  const [hasKey, hasValue] = [sums.includes('dk'), sums.includes('dv')];
  // Staged queries include q_scale(): the scale, and the change of base if no hook comes in between.
  const base = hooks.scores.length === 0 ? ' * LN_2' : '';
  const dims = { dk: qChunks(config), dv: vChunks(config) };
  const scales = { dk: base, dv: keepScale(hooks) };
  return wgsl`
    ${sums.map((sum) => rows((r) => `var ${sum}${r} = array<vec4<f32>, ${Math.ceil(dims[sum].size / CHUNK)}>();`))}

    ${queryTileLoop(wgsl`
      ${dotProducts(tile, 's', keySide('k', config), rowSide('q'), qDim(config))}
      ${hasKey && dotProducts(tile, 'dp', keySide('v', config), rowSide('dout'), vDim(config))}

      ${lanes(
        (n) => wgsl`
          let index${n} = work.first_row + ${columnItem(n)};
          let row${n} = make_row(work, index${n});
          var state${n} = row_state(row${n});
          if (index${n} >= work.rows) {
            state${n} = NO_ROW;
          }
        `,
      )}
      ${hasKey && scoreDerivatives(hooks, tile.rowsPerThread)}
      ${tileScores(
        hooks,
        eachScore(tile.rowsPerThread, (r, n) => ({ row: `row${n}`, key: plus('key', r, '') })),
        { withDerivatives: hasKey },
      )}
      workgroupBarrier();
      ${rows(
        (r) => wgsl`
          ${lanes((n) => `s${r}[${n}] = pair_weight(s${r}[${n}], state${n}.row_max, state${n}.norm);`)}
          ${hooks.drop && `var kept${r} = s${r};`}
          ${lanes((n) => [
            ...dropWeight(hooks, `kept${r}[${n}]`, {
              dropKey: `row${n}.drop_key`,
              key: plus('key', r, ''),
            }),
            ...(hasKey
              ? keptGradient(hooks, `dp${r}[${n}]`, {
                  weight: `s${r}[${n}]`,
                  kept: `kept${r}[${n}]`,
                })
              : []),
          ])}
          ${hasValue && keepWeights('kv_tile', r, kept)}
        `,
      )}
      ${hasValue && weightedSums(tile, 'dv', 'kv_tile', rowSide('dout'), vChunks(config))}
      ${hasKey && hasValue && 'workgroupBarrier();'}
      ${
        hasKey &&
        rows(
          (r) => wgsl`
            ${lanes((n) => `s${r}[${n}] = pair_gradient(s${r}[${n}], dp${r}[${n}], state${n}.delta, ${scoreDerivativeOf(hooks, r, n)});`)}
            ${keepWeights('kv_tile', r)}
          `,
        )
      }
      ${hasKey && weightedSums(tile, 'dk', 'kv_tile', rowSide('q'), qChunks(config))}
    `)}

    ${rows(
      (r) => wgsl`
        if (u32(${plus('key', r, '')}) < seq.k_len) {
          ${sums.map((sum) => store(sum, r, tile, dims[sum], scales[sum]))}
        }
      `,
    )}
  `;
}

const store = (
  name: KeySum,
  r: number,
  tile: PortableTile,
  dim: Dim,
  scale: string,
): string => wgsl`
  {
    let out_row = ${name}_row_offset(seq, head, u32(${plus('key', r, '')}));
    ${storeChunks(tile, `${name}${r}`, dim, (sum) => `write_${name}(out_row, d, ${sum}${scale});`)}
  }
`;

/** Adds the contributions of a tile of queries to the gradients of the collected tables. */
function tableGradient(config: BackwardConfig, tile: PortableTile): string {
  const { hooks } = config;
  const rows = each(tile.rowsPerThread);
  const collects = config.collects!;
  return wgsl`
    ${threadPlace(tile)}

    ${rows(
      (r) => wgsl`
        let row${r} = make_row(work, ${plus('work.first_row + first_row', r)});
        let state${r} = row_state(row${r});
        ${declareRowSums(collects, `row${r}`)}
      `,
    )}

    ${keyTileLoop(
      config,
      wgsl`
        ${rowProducts(config, tile)}
        ${rows((r) => `var product${r} = s${r};`)}
        ${tileScores(hooks, eachScore(tile.rowsPerThread, keyAt))}
        ${rows(
          (r) => wgsl`
            ${lanes((n) => dropGradient(hooks, `dp${r}[${n}]`, droppedAt(r, n)))}
            ${lanes((n) => `s${r}[${n}] = pair_gradient(pair_weight(s${r}[${n}], state${r}.row_max, state${r}.norm), dp${r}[${n}], state${r}.delta, 1.0);`)}
            if (${plus('work.first_row + first_row', r)} < work.rows) {
              ${lanes((n) => collectScore(hooks, collects, { score: `product${r}[${n}]`, scoreDerivative: `s${r}[${n}]`, ...keyAt(r, n) }))}
            }
          `,
        )}
      `,
    )}

    ${rows((r) => collectRow(collects, `row${r}`))}
  `;
}

/** Returns the row and key of the score of row r and column n. */
const keyAt = (r: number, n: number): Pick<TileScore, 'row' | 'key'> => ({
  row: `row${r}`,
  key: `key${n}`,
});

/** The same for what drops weights. */
const droppedAt = (r: number, n: number): Parameters<typeof dropGradient>[2] => ({
  dropKey: `row${r}.drop_key`,
  key: `key${n}`,
});

/**
 * Computes a thread's dot products: its queries with a tile's keys (s), and their output gradients with the tile's values
 * (dp).
 */
const rowProducts = (config: BackwardConfig, tile: PortableTile): string => wgsl`
  ${fillKeys(tile, config)}
  ${dotProducts(tile, 's', rowSide('q'), keySide('k', config), qDim(config))}
  ${dotProducts(tile, 'dp', rowSide('dout'), keySide('v', config), vDim(config))}

  ${columnKeys(config)}
`;

/** Head dims, in vectors and in chunks, with the parameters that bound their loops. */
const qDim = ({ headDim }: BackwardConfig): Dim => ({
  size: headDim,
  bound: 'params.q_vecs',
});
const vDim = ({ headDimV }: BackwardConfig): Dim => ({
  size: headDimV,
  bound: 'params.v_vecs',
});
const qChunks = ({ headDim }: BackwardConfig): Dim => ({
  size: headDim,
  bound: 'params.q_chunks',
});
const vChunks = ({ headDimV }: BackwardConfig): Dim => ({
  size: headDimV,
  bound: 'params.v_chunks',
});
