/** Which weights of a problem are dropped. */
export interface ReferenceDropout {
  /** 0 ≤ rate < 1 */
  readonly rate: number;
  /** An integer from 0 to 2⁵³ − 1. */
  readonly seed: number;
}

/** Which pairs of one query row are kept, and the factor of their weights. */
interface KeptPairs {
  readonly isKept: (kv: number) => boolean;
  readonly scale: number;
}

const all: KeptPairs = { isKept: () => true, scale: 1 };

const WORD = 2 ** 32;

/**
 * Returns the pairs that dropout keeps of a query row, by sequence, query head and logical position. With mix the mixer below, the key of
 * the row is r = mix(mix(mix(mix(mix(seed₀) ^ seed₁) + b) + h) + q·0x85ebca6b), seed₀ and seed₁ being the low and the high word of the
 * seed; a pair is kept iff mix(kv·0x9e3779b1 + r) ≥ rate·2³². All arithmetic is modulo 2³².
 */
export function keptPairs(
  dropout: ReferenceDropout | undefined,
  b: number,
  h: number,
  q: number,
): KeptPairs {
  if (dropout === undefined) return all;
  const { rate, seed } = dropout;
  const below = Math.min(Math.round(rate * WORD), WORD - 1);
  const ofSeed = mix(mix(seed % WORD) ^ Math.floor(seed / WORD));
  const ofHead = mix(mix(ofSeed + b) + h);
  const row = mix(ofHead + Math.imul(q, 0x85ebca6b));
  return {
    isKept: (kv) => mix(Math.imul(kv, 0x9e3779b1) + row) >= below,
    scale: 1 / (1 - below / WORD),
  };
}

/** A permutation of the 32-bit integers without visible order. */
function mix(x: number): number {
  let bits = x >>> 0;
  bits ^= bits >>> 16;
  bits = Math.imul(bits, 0x7feb352d);
  bits ^= bits >>> 15;
  bits = Math.imul(bits, 0x846ca68b);
  bits ^= bits >>> 16;
  return bits >>> 0;
}
