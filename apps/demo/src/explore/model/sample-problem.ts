import type { Gpu, Tensor } from '@heed/core';
import { breathe } from '../../page/tasks.ts';
import { normals } from '../../text/seeded-random.ts';
import type { Program } from '../program/compiled-program.ts';

/** Query heads; all read one key/value head. */
export const HEADS = 4;
/** Queries and keys of the heat map. */
export const WINDOW = 64;
/** Head dim of keys and values. It equals WINDOW, so that the values can be the identity. */
const HEAD_DIM = 64;

/** Tokens to choose from for the block map and the time. */
export const SIZES = [256, 1024, 4096, 16_384] as const;

/** Returns normally distributed numbers, the same on each visit. */
export function normal(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, normals(seed));
}

/** q [1, HEADS, WINDOW, HEAD_DIM] and k [1, 1, WINDOW, HEAD_DIM] of the heat map. */
const windowQ: Float32Array = normal(HEADS * WINDOW * HEAD_DIM, 1);
const windowK: Float32Array = normal(WINDOW * HEAD_DIM, 2);

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

/** Inputs of an attention. */
interface Inputs {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
}

const windows = new WeakMap<Gpu, Inputs>();
const larger = new WeakMap<Gpu, { readonly tokens: number; readonly inputs: Inputs }>();

/** Returns the heat map's inputs. The values are the identity, so attention returns its weights. */
export function windowInputs(gpu: Gpu): Inputs {
  const known = windows.get(gpu);
  if (known) return known;
  const identity = new Float32Array(WINDOW * WINDOW);
  for (let i = 0; i < WINDOW; i++) identity[i * WINDOW + i] = 1;
  const made = {
    q: gpu.tensor(windowQ, { shape: [1, HEADS, WINDOW, HEAD_DIM], label: 'window q' }),
    k: gpu.tensor(windowK, { shape: [1, 1, WINDOW, HEAD_DIM], label: 'window k' }),
    v: gpu.tensor(identity, { shape: [1, 1, WINDOW, WINDOW], label: 'identity' }),
  };
  windows.set(gpu, made);
  return made;
}

/** Returns the inputs of the timed problem; disposes inputs of another size. */
export function timedInputs(gpu: Gpu, tokens: number): Inputs {
  const known = larger.get(gpu);
  if (known?.tokens === tokens) return known.inputs;
  if (known) for (const tensor of Object.values(known.inputs) as Tensor[]) tensor.dispose();
  const inputs = {
    q: gpu.tensor(normal(HEADS * tokens * HEAD_DIM, 3), {
      shape: [1, HEADS, tokens, HEAD_DIM],
      label: 'q',
    }),
    k: gpu.tensor(normal(tokens * HEAD_DIM, 4), { shape: [1, 1, tokens, HEAD_DIM], label: 'k' }),
    v: gpu.tensor(normal(tokens * HEAD_DIM, 5), { shape: [1, 1, tokens, HEAD_DIM], label: 'v' }),
  };
  larger.set(gpu, { tokens, inputs });
  return inputs;
}

/** Scores after the mods, [HEADS, WINDOW, WINDOW]: −∞ where the pair is hidden. */
export type Scores = Float32Array;

const info = { qLen: WINDOW, kvLen: WINDOW, qRow: 0, kvRow: 0 };

/**
 * Computes the heat map's scores by heed's CPU twin of the mods, one head at a time.
 * @throws the signal's reason
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

/** Returns the softmax of each row; a row without a visible key is all 0. */
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

/** Returns the largest absolute difference of two results. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}
