import type { Program } from '../program/program.ts';
import { HEADS, rawScores, WINDOW } from './problem.ts';

/** Scores after the mods, [HEADS, WINDOW, WINDOW]: −∞ where the pair is hidden. */
export type Scores = Float32Array;

const info = { qLen: WINDOW, kvLen: WINDOW, qRow: 0, kvRow: 0 };

/** A pause that lets the page draw and take a keystroke. */
const breathe = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

/**
 * The scores of the heat map by heed's CPU twin of the mods, a head at a time.
 * @throws the signal's reason, between two heads
 */
export async function twinScores(
  { score, mask, tables }: Program,
  signal: AbortSignal,
): Promise<Scores> {
  const scores = rawScores.slice();
  for (let h = 0; h < HEADS; h++) {
    for (let q = 0; q < WINDOW; q++) {
      if (q % 16 === 0) {
        await breathe();
        signal.throwIfAborted();
      }
      for (let kv = 0; kv < WINDOW; kv++) {
        const at = (h * WINDOW + q) * WINDOW + kv;
        const rows = { ...info, qRow: q, kvRow: kv };
        if (mask && !mask.js(0, h, q, kv, tables, rows)) scores[at] = -Infinity;
        else if (score) scores[at] = score.js(scores[at], 0, h, q, kv, tables, rows) as number;
      }
    }
  }
  return scores;
}

/** The softmax of each row; a row without a visible key is all 0. */
export function softmaxRows(scores: Scores): Float32Array {
  const weights = new Float32Array(scores.length);
  for (let row = 0; row < scores.length; row += WINDOW) {
    const values = scores.subarray(row, row + WINDOW);
    const most = Math.max(...values);
    if (most === -Infinity) continue;
    const powers = Array.from(values, (s) => Math.exp(s - most));
    const sum = powers.reduce((a, b) => a + b, 0);
    for (const [kv, power] of powers.entries()) weights[row + kv] = power / sum;
  }
  return weights;
}

/** The largest difference of two results. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
