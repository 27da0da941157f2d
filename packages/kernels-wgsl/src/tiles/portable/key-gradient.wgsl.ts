import { wgsl } from '@heed/core/kernel';
import type { BackwardConfig } from '../../config/backward.ts';
import { each } from '../../wgsl/each.ts';
import { plus } from '../../wgsl/plus.ts';
import { keyTileStart, queryTileLoop } from '../entry.wgsl.ts';
import { CHUNK, THREADS_N } from '../grid/config.ts';
import { type Dim, eachScore, localRow, storeChunks } from '../grid/threads.wgsl.ts';
import { tileScores } from '../scores.wgsl.ts';
import type { PortableTile } from './config.ts';
import { ownRows, qChunks, qDim, slopeOf, slopes, vChunks, vDim } from './gradient-parts.wgsl.ts';
import { dotProducts, weightedSums } from './products.wgsl.ts';
import { keySide, rowSide } from './sides.wgsl.ts';

const lanes = each(4);

/** dk and dv of a tile of keys: dv = Σ P·dOut, dk = scale·Σ dScore·q, over the group's heads and the query tiles that see it. */
export function keyGradient(config: BackwardConfig, tile: PortableTile): string {
  const { headDim, headDimV } = config;
  const rows = each(tile.rowsPerThread);
  // Queries are staged with q_scale() in them: scale, and the base change where no hook is in between.
  const base = config.hooks.scores.length === 0 ? ' * LN_2' : '';
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
            state${n} = NO_ROW;
          }
        `,
      )}
      ${slopes(config, tile)}
      ${tileScores(
        config.hooks,
        eachScore(tile, (r, n) => ({ row: `row${n}`, key: plus('key', r, '') })),
        { withSlopes: true },
      )}
      ${rows(
        (r) => wgsl`
          ${lanes((n) => `s${r}[${n}] = pair_weight(s${r}[${n}], state${n}.row_max, state${n}.norm);`)}
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
          ${store('dk', r, tile, qChunks(config), base)}
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
  dim: Dim,
  scale: string,
): string => wgsl`
  {
    let out_row = ${name}_row_offset(seq, head, u32(${plus('key', r, '')}));
    ${storeChunks(tile, `${name}${r}`, dim, (sum) => `write_${name}(out_row, d, ${sum}${scale});`)}
  }
`;
