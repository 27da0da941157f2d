import { wgsl } from '@heed/core/kernel';
import { tanhWgsl } from '../wgsl/tanh.wgsl.ts';
import type { ScoreHook } from './contract.ts';

/** cap·tanh(score / cap), as in Gemma 2 and flash-attention. */
export const softcap: ScoreHook = {
  kind: 'score',
  name: 'softcap',
  params: [{ name: 'softcap', type: 'f32' }],
  wgsl: wgsl`
    ${tanhWgsl}

    fn score_softcap(score: f32, row: Row, key: i32) -> f32 {
      return params.softcap * tanh_f32(score / params.softcap);
    }
  `,
  gradient: {
    params: [],
    reads: [],
    hasSlope: true,
    wgsl: wgsl`
      fn slope_softcap(score: f32, row: Row, key: i32) -> f32 {
        let t = tanh_f32(score / params.softcap);
        return 1.0 - t * t;
      }
    `,
  },
};
