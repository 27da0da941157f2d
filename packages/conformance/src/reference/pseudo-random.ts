/** A seeded generator: the same seed gives the same numbers on every machine. */
export interface Random {
  /** Returns a uniform number in [0, 1). */
  uniform(): number;
  /** Returns a number of mean 0 and variance 1, within ±3.47: a sum of four uniform ones. */
  normal(): number;
  /** Returns an integer in [0, n). */
  below(n: number): number;
}

/** Returns a mulberry32 generator; see https://gist.github.com/tommyettinger/46a874533244883189143505d203312c. */
export function random(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    uniform,
    normal: () => (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3),
    below: (n) => Math.floor(uniform() * n),
  };
}

/** Returns the integers 0…n−1 in random order (Fisher–Yates). */
export function permutation(n: number, source: Random): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let i = n - 1; i > 0; i--) {
    const j = source.below(i + 1);
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  return order;
}
