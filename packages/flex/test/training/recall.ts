import type { Rng } from '@heed/testing';

/** Associative recall: pairs of a key and a value, then a key once more; the answer is its value. */
export const KEYS = 8;
export const VALUES = 8;
export const VOCABULARY: number = KEYS + VALUES;
const PAIRS = 4;
/** Tokens of a sequence. */
export const LENGTH: number = 2 * PAIRS + 1;

export interface Batch {
  /** [batch, LENGTH], flat. */
  readonly tokens: Int32Array;
  /** [batch] */
  readonly answers: Int32Array;
}

/** Random sequences; there are far more of them than training sees. */
export function recallBatch(rng: Rng, batch: number): Batch {
  const tokens = new Int32Array(batch * LENGTH);
  const answers = new Int32Array(batch);
  for (let b = 0; b < batch; b++) {
    const keys = rng.permutation(KEYS).slice(0, PAIRS);
    keys.forEach((key, i) => {
      tokens[b * LENGTH + 2 * i] = key;
      tokens[b * LENGTH + 2 * i + 1] = KEYS + rng.int(0, VALUES - 1);
    });
    const asked = rng.int(0, PAIRS - 1);
    tokens[b * LENGTH + 2 * PAIRS] = keys[asked]!;
    answers[b] = tokens[b * LENGTH + 2 * asked + 1]!;
  }
  return { tokens, answers };
}
