/** Query heads; all read one key/value head. */
export const HEADS = 4;
/** Tokens of the heat map. */
export const WINDOW = 64;
/** Of keys, and of values too: with as many as there are keys, the values can be the identity. */
export const HEAD_DIM = 64;

/** Tokens to choose from for the block map and the time. */
export const SIZES = [256, 1024, 4096, 16_384] as const;

/** Numbers of a normal distribution, the same at each visit (mulberry32, Box and Muller). */
export function normal(count: number, seed: number): Float32Array {
  let state = seed;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Float32Array.from({ length: count }, () => {
    return Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  });
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
