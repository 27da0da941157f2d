import { wgsl, type WgslPart } from '@heed/core/kernel';
import { hasSlopes } from '../../hooks/contract.ts';
import type { BackwardConfig } from '../../config/backward.ts';
import { each } from '../../wgsl/each.ts';
import { plus } from '../../wgsl/plus.ts';
import type { TileShape } from '../tile.ts';
import {
  entryPoint,
  keyTileLoop,
  keyTileStart,
  queryTileLoop,
  threadEntry,
} from '../entry.wgsl.ts';
import { collectRow, collectScore, declareRowSums } from '../../wgsl/collect.wgsl.ts';
import { type TileScore, tileScores } from '../scores.wgsl.ts';
import { CHUNK, THREADS_N } from '../grid/config.ts';
import { stageKeys, stageRows } from '../grid/staging.wgsl.ts';
import { eachScore, localRow, storeChunks } from '../grid/threads.wgsl.ts';
import type { PortableTile } from './config.ts';
import { dotProducts, weightedSums } from './products.wgsl.ts';
import { keySide, rowSide, tileArrays } from './sides.wgsl.ts';

const lanes = each(4);
const thread = { name: 'thread', builtin: 'local_invocation_index' } as const;

/** The entry point of a backward kernel, with what it stages. */
export function portableBackward(
  config: BackwardConfig,
  tile: PortableTile,
  { tileM, tileN }: TileShape,
): string {
  const { of, headDim, headDimV } = config;
  const threads = tile.threadsM * THREADS_N;
  const own = tile.threadsM * tile.rowsPerThread;
  const inside = of === 'kv';
  return wgsl`
    ${tileArrays(tileM, tileN)}
    var<workgroup> weights: array<vec4<f32>, ${own * THREADS_N}>; // ${own * THREADS_N * 16} bytes

    ${stageRows({ name: 'q', dim: headDim, threads }, inside ? '' : ' * q_scale()', inside)}

    ${stageRows({ name: 'dout', dim: headDimV, threads }, '', inside)}

    ${stageKeys({ name: 'k', dim: headDim, threads })}

    ${stageKeys({ name: 'v', dim: headDimV, threads })}

    ${main(config, tile, threads)}
  `;
}

function main(config: BackwardConfig, tile: PortableTile, threads: number): string {
  switch (config.of) {
    case 'q':
      return entryPoint(threads, thread, queryGradient(config, tile));
    case 'kv':
      return threadEntry(threads, thread, keyGradient(config, tile));
    case 'tables':
      return entryPoint(threads, thread, tableGradient(config, tile));
  }
}

const ownRows = ({ rowsPerThread }: PortableTile): string => wgsl`
  let column = thread % ${THREADS_N}u;
  let first_row = thread / ${THREADS_N}u${rowsPerThread > 1 && ` * ${rowsPerThread}u`};
`;

const slopes = ({ hooks }: BackwardConfig, { rowsPerThread }: PortableTile): WgslPart =>
  hasSlopes(hooks) && each(rowsPerThread)((r) => `var slope${r} = vec4<f32>(1.0);`);

const slopeOf = ({ hooks }: BackwardConfig, r: number, n: number): string =>
  hasSlopes(hooks) ? `slope${r}[${n}]` : '1.0';

const qDim = ({ headDim }: BackwardConfig) => ({ size: headDim, bound: 'params.q_vecs' });
const vDim = ({ headDimV }: BackwardConfig) => ({ size: headDimV, bound: 'params.v_vecs' });
const qChunks = ({ headDim }: BackwardConfig) => ({ size: headDim, bound: 'params.q_chunks' });
const vChunks = ({ headDimV }: BackwardConfig) => ({ size: headDimV, bound: 'params.v_chunks' });

/** dq of a tile of queries: dq = scale·Σ dScore·k over the key tiles that it sees. */
function queryGradient(config: BackwardConfig, tile: PortableTile): string {
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
        ${dotProducts(tile, 's', rowSide('q'), keySide('k'), qDim(config))}
        ${dotProducts(tile, 'dp', rowSide('dout'), keySide('v'), vDim(config))}

        let key = i32(first_key + column * 4u);
        ${slopes(config, tile)}
        ${tileScores(
          hooks,
          eachScore(tile, (r, n) => ({ row: `row${r}`, key: plus('key', n, '') })),
          true,
        )}
        ${rows(
          (r) => wgsl`
            ${lanes((n) => `s${r}[${n}] = pair_gradient(pair_weight(s${r}[${n}], state${r}.lse), dp${r}[${n}], state${r}.delta, ${slopeOf(config, r, n)});`)}
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

/** What the tables of the last score hook get from a tile of queries. */
function tableGradient(config: BackwardConfig, tile: PortableTile): string {
  const { hooks } = config;
  const rows = each(tile.rowsPerThread);
  const hook = hooks.scores.at(-1)!;
  const where = (r: number, n: number): Pick<TileScore, 'row' | 'key'> => ({
    row: `row${r}`,
    key: plus('key', n, ''),
  });
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
        ${dotProducts(tile, 's', rowSide('q'), keySide('k'), qDim(config))}
        ${dotProducts(tile, 'dp', rowSide('dout'), keySide('v'), vDim(config))}

        let key = i32(first_key + column * 4u);
        ${rows((r) => `var product${r} = s${r};`)}
        ${tileScores(hooks, eachScore(tile, where))}
        ${rows(
          (r) => wgsl`
            ${lanes((n) => `s${r}[${n}] = pair_gradient(pair_weight(s${r}[${n}], state${r}.lse), dp${r}[${n}], state${r}.delta, 1.0);`)}
            if (${plus('work.first_row + first_row', r)} < work.rows) {
              ${lanes((n) => collectScore(hook, { score: `product${r}[${n}]`, slope: `s${r}[${n}]`, ...where(r, n) }))}
            }
          `,
        )}
      `,
    )}

    ${rows((r) => collectRow(hook, `row${r}`))}
  `;
}

/** dk and dv of a tile of keys: dv = Σ P·dOut, dk = scale·Σ dScore·q, over the group's heads and the query tiles that see it. */
function keyGradient(config: BackwardConfig, tile: PortableTile): string {
  const { headDim, headDimV } = config;
  const rows = each(tile.rowsPerThread);
  const arrays = (name: string, dim: number): readonly string[] =>
    rows((r) => `var ${name}${r} = array<vec4<f32>, ${Math.ceil(dim / CHUNK)}>();`);
  return wgsl`
    ${keyTileStart}
    ${ownRows(tile)}
    let key = i32(first_key + first_row);
    ${arrays('dk', headDim)}
    ${arrays('dv', headDimV)}

    ${queryTileLoop(wgsl`
      ${dotProducts(tile, 's', keySide('k'), rowSide('q'), qDim(config))}
      ${dotProducts(tile, 'dp', keySide('v'), rowSide('dout'), vDim(config))}

      ${lanes(
        (n) => wgsl`
          let index${n} = ${plus('work.first_row + column * 4u', n)};
          let row${n} = make_row(work, index${n});
          var state${n} = row_state(row${n});
          if (index${n} >= work.rows) {
            state${n}.lse = MASKED;
          }
        `,
      )}
      ${rows((r) => `s${r} *= q_scale();`)}
      ${slopes(config, tile)}
      ${tileScores(
        config.hooks,
        eachScore(tile, (r, n) => ({ row: `row${n}`, key: plus('key', r, '') })),
        true,
      )}
      ${rows(
        (r) => wgsl`
          ${lanes((n) => `s${r}[${n}] = pair_weight(s${r}[${n}], state${n}.lse);`)}
          weights[${localRow(r)} * ${THREADS_N}u + column] = s${r};
        `,
      )}
      ${weightedSums(tile, 'dv', rowSide('dout'), vChunks(config))}
      workgroupBarrier();
      ${rows(
        (r) => wgsl`
          ${lanes((n) => `s${r}[${n}] = pair_gradient(s${r}[${n}], dp${r}[${n}], state${n}.delta, ${slopeOf(config, r, n)});`)}
          weights[${localRow(r)} * ${THREADS_N}u + column] = s${r};
        `,
      )}
      ${weightedSums(tile, 'dk', rowSide('q'), qChunks(config))}
    `)}

    ${rows(
      (r) => wgsl`
        if (u32(${plus('key', r, '')}) < seq.k_len) {
          ${store('dk', r, tile, qChunks(config), ' * params.scale')}
          ${store('dv', r, tile, vChunks(config), '')}
        }
      `,
    )}
  `;
}

const store = (
  name: 'dk' | 'dv',
  r: number,
  tile: PortableTile,
  dim: { readonly size: number; readonly bound: string },
  scale: string,
): string => wgsl`
  {
    let out_row = ${name}_row_offset(seq, head, u32(${plus('key', r, '')}));
    ${storeChunks(tile, `${name}${r}`, dim, (sum) => `write_${name}(out_row, d, ${sum}${scale});`)}
  }
`;
