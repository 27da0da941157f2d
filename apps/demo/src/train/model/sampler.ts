import { dispose, gather, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { BOUNDARY, decodeText, encodeText } from '../../text/corpus.ts';
import { type Batch, batchOf } from '../../text/packing.ts';
import type { Trainer } from './trainer.ts';
import { forward } from './training-forward.ts';

/** How to continue texts. */
interface SampleOptions {
  /** Texts to continue; '' for the start of a document. */
  readonly prompts: readonly string[];
  /** Most tokens to add to each; a document may end before. */
  readonly count: number;
  /** 0 always takes the likeliest token. */
  readonly temperature: number;
  readonly uniform: () => number;
  readonly signal?: AbortSignal;
}

/**
 * Continues the prompts; resolves to prompts and continuations. Each token takes a pass over its whole row, which the cache of the
 * Serve room avoids.
 * @throws the signal's reason
 */
export async function sample(trainer: Trainer, options: SampleOptions): Promise<string[]> {
  const { prompts, count, temperature, uniform, signal } = options;
  const texts = prompts.map((prompt) => [BOUNDARY, ...encodeText(prompt)]);
  const isDone = texts.map(() => false);
  const length = Math.max(...texts.map((text) => text.length)) + count;
  for (let i = 0; i < count && isDone.includes(false); i++) {
    const scores = await lastScores(trainer, texts, length);
    signal?.throwIfAborted();
    for (const [row, text] of texts.entries()) {
      if (isDone[row]) continue;
      const next = choose(scores[row]!, temperature, uniform);
      if (next === BOUNDARY) isDone[row] = true;
      else text.push(next);
    }
  }
  return texts.map((text) => decodeText(Uint8Array.from(text)));
}

/** Returns the logits after each text, [vocabSize] each. */
async function lastScores(
  trainer: Trainer,
  texts: readonly (readonly number[])[],
  length: number,
): Promise<Float32Array[]> {
  const last = texts.map((text, row) => row * length + text.length - 1);
  const rows = tidy(() => {
    const batch = trainer.upload(rowsOf(texts, length));
    return gather(forward(trainer.config, trainer.weights, batch), tensor1d(last, 'int32'));
  });
  const values = (await rows.data()) as Float32Array;
  dispose(rows);
  const size = trainer.config.vocabSize;
  return texts.map((_, row) => values.subarray(row * size, (row + 1) * size));
}

/** Lays out one row per text. The rest of a row comes after the text, so causal attention does not see it. */
function rowsOf(texts: readonly (readonly number[])[], length: number): Batch {
  const samples = texts.map((text) => [{ tokens: Uint8Array.of(...text, BOUNDARY) }]);
  return batchOf(samples, length);
}

/** Draws a token with probability proportional to exp(score / temperature). */
export function choose(scores: Float32Array, temperature: number, uniform: () => number): number {
  const most = Math.max(...scores);
  if (temperature === 0) return scores.indexOf(most);
  const powers = scores.map((score) => Math.exp((score - most) / temperature));
  let left = uniform() * powers.reduce((a, b) => a + b, 0);
  const found = powers.findIndex((power) => (left -= power) < 0);
  return found < 0 ? powers.indexOf(Math.max(...powers)) : found;
}
