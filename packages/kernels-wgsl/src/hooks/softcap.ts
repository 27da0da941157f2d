import { wgsl } from '@heed/core/kernel';
import type { ScoreHook } from './contract.ts';

/** cap·tanh(score / cap), as in Gemma 2 and flash-attention. */
export const softcap: ScoreHook = {
  kind: 'score',
  name: 'softcap',
  params: [{ name: 'softcap', type: 'f32' }],
  // tanh overflows to NaN on some adapters; beyond ±9 it is ±1 in f32 anyway.
  wgsl: wgsl`
    fn score_softcap(score: f32, row: Row, key: i32) -> f32 {
      return params.softcap * tanh(clamp(score / params.softcap, -9.5, 9.5));
    }
  `,
};
