import { wgsl } from '@heed/core/kernel';
import type { ScoreHook } from '../../src/text/parts/hook.ts';

/** A bias by query − key, as the compiler makes them of mods. */
export const distance: ScoreHook = {
  kind: 'score',
  name: 'distance',
  params: [
    { name: 'distances', type: 'u32' },
    { name: 'distance_last', type: 'i32' },
  ],
  hasDiagonal: true,
  wgsl: wgsl`
    fn diagonal_distance(row: Row, offset: i32) -> f32 {
      return bitcast<f32>(captures[params.distances + u32(clamp(offset, 0, params.distance_last))]);
    }

    fn score_distance(score: f32, row: Row, key: i32, diagonal: f32) -> f32 {
      return score + diagonal;
    }
  `,
  gradient: {
    params: [],
    reads: [],
    hasScoreDerivative: false,
    wgsl: wgsl`
      fn score_derivative_distance(score: f32, row: Row, key: i32, diagonal: f32) -> f32 {
        return 1.0;
      }
    `,
  },
};
