import { normals } from '../../random.ts';

/** Query heads; all read one key/value head. */
export const HEADS = 4;
/** Tokens of the heat map. */
export const WINDOW = 64;
/** Of keys, and of values too: with as many as there are keys, the values can be the identity. */
export const HEAD_DIM = 64;

/** Tokens to choose from for the block map and the time. */
export const SIZES = [256, 1024, 4096, 16_384] as const;

/** Numbers of a normal distribution, the same at each visit. */
export function normal(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, normals(seed));
}

/** q [1, HEADS, WINDOW, HEAD_DIM] and k [1, 1, WINDOW, HEAD_DIM] of the heat map. */
export const windowQ: Float32Array = normal(HEADS * WINDOW * HEAD_DIM, 1);
export const windowK: Float32Array = normal(WINDOW * HEAD_DIM, 2);

/** q · k / √HEAD_DIM of every pair, [HEADS, WINDOW, WINDOW]. */
export const rawScores: Float32Array = ((): Float32Array => {
  const scores = new Float32Array(HEADS * WINDOW * WINDOW);
  for (let row = 0; row < HEADS * WINDOW; row++) {
    for (let kv = 0; kv < WINDOW; kv++) {
      let sum = 0;
      for (let d = 0; d < HEAD_DIM; d++)
        sum += windowQ[row * HEAD_DIM + d]! * windowK[kv * HEAD_DIM + d]!;
      scores[row * WINDOW + kv] = sum / Math.sqrt(HEAD_DIM);
    }
  }
  return scores;
})();
