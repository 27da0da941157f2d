import { argmax } from './greedy.ts';

/** What a speculative step came to. */
export interface Verified {
  /** The part of the guess that the model says too. */
  readonly accepted: readonly number[];
  /** The token that the model says after that; none where the accepted part ends the answer. */
  readonly next: readonly number[];
}

/**
 * Checks a guess: the model's own choice after each token must be the next token of the guess. So the tokens are those of greedy
 * decoding without a guess, and each step gives one more than it accepts.
 *
 * @param scores logits after the last known token, then after each token of the guess
 * @param end the token that ends an answer
 *
 * Source: speculative decoding (arXiv 2211.17192), greedy.
 *
 * @param scores logits after the last known token, then after each token of the guess
 */
export function verify(
  guess: readonly number[],
  scores: (index: number) => Float32Array,
  end?: number,
): Verified {
  const choices = [...guess, undefined].map((_, i) => argmax(scores(i)));
  const wrong = guess.findIndex((token, i) => token !== choices[i]);
  const accepted = wrong < 0 ? guess : guess.slice(0, wrong);
  const ended = end === undefined ? -1 : accepted.indexOf(end);
  if (ended >= 0) return { accepted: accepted.slice(0, ended + 1), next: [] };
  return { accepted, next: [choices[accepted.length]!] };
}
