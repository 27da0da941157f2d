import { wgsl, type WgslPart } from '@heed/core/kernel';
import type { BackwardConfig } from '../../config/backward.ts';
import { hasSlopes } from '../../hooks/contract.ts';
import { plus } from '../../wgsl/plus.ts';
import type { SubgroupTile } from './config.ts';
import { repeats, score, type Shown } from './products.wgsl.ts';

export const q: Shown = { name: 'q', vecs: 'params.q_vecs' };
export const k: Shown = { name: 'k', vecs: 'params.q_vecs' };
export const v: Shown = { name: 'v', vecs: 'params.v_vecs' };
export const dout: Shown = { name: 'dout', vecs: 'params.v_vecs' };

/** A vector of a lane's, in registers. */
export const array = (name: string, dim: number): string =>
  `var ${name} = array<vec4<f32>, ${Math.ceil(dim / 4)}>();`;

interface Slopes {
  /** The arrays that a score hook writes. */
  readonly names: [string, string?];
  readonly declare: WgslPart;
  readonly of: (r: number, n: number) => string;
}

/** The slopes of scores, where hooks change scores: an array of a lane's, or 1. */
export function slopesOf({ hooks }: BackwardConfig, tile: SubgroupTile): Slopes {
  const { rows, shown } = repeats(tile);
  const has = hasSlopes(hooks);
  return {
    names: has ? ['s', 'slope'] : ['s'],
    declare: has && rows((r) => shown((n) => `var ${score('slope', r, n)} = 1.0;`)),
    of: (r: number, n: number): string => (has ? score('slope', r, n) : '1.0'),
  };
}

/** The lane's query rows, with all that is read of them. */
export function queryRows({ headDim, headDimV }: BackwardConfig, tile: SubgroupTile): string {
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
