const longest = 12;
const shortest = 3;

/**
 * Guesses the next tokens by prompt lookup: what followed when the last few tokens were there before. It costs nothing, and
 * is right where text repeats.
 *
 * Source: prompt lookup decoding (github.com/apoorvumang/prompt-lookup-decoding), as in transformers and vLLM.
 *
 * @param max the most tokens to guess
 */
export function promptLookup(tokens: readonly number[], max: number): number[] {
  if (max <= 0) return [];
  for (let n = Math.min(longest, tokens.length - 1); n >= shortest; n--) {
    const found = lastBefore(tokens, n);
    if (found >= 0) return continuation(tokens, found + n, max);
  }
  return [];
}

/** What stands from `start` on; where that runs into the end, what was guessed goes on as what it repeats. */
function continuation(tokens: readonly number[], start: number, count: number): number[] {
  const all = [...tokens];
  for (let i = 0; i < count; i++) all.push(all[start + i]!);
  return all.slice(tokens.length);
}

/** Where the last n tokens begin when they were there before, the latest such place; −1 when they were not. */
function lastBefore(tokens: readonly number[], n: number): number {
  const end = tokens.length - n;
  for (let start = end - 1; start >= 0; start--) {
    let i = 0;
    while (i < n && tokens[start + i] === tokens[end + i]) i++;
    if (i === n) return start;
  }
  return -1;
}

/** What a speculative step came to. */
interface Verified {
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

/** The index of the largest number of a row; of equal ones the first. */
export function argmax(row: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}

/** The indices of the n largest numbers of a row, the largest first; of equal ones the first goes first. */
export function largest(row: ArrayLike<number>, n: number): number[] {
  const order = Array.from({ length: row.length }, (_, i) => i);
  return order.toSorted((a, b) => row[b]! - row[a]! || a - b).slice(0, n);
}
