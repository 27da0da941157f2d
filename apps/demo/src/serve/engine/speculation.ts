const longest = 12;
const shortest = 3;

/**
 * Guesses the next tokens by prompt lookup: the tokens that followed the last earlier occurrence of the latest tokens. It costs
 * almost nothing, and is right where text repeats.
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

/** Returns `count` tokens from `start` on. Beyond the end it continues with the guessed tokens themselves. */
function continuation(tokens: readonly number[], start: number, count: number): number[] {
  const all = [...tokens];
  for (let i = 0; i < count; i++) all.push(all[start + i]!);
  return all.slice(tokens.length);
}

/** Returns the start of the latest earlier occurrence of the last n tokens, or −1. */
function lastBefore(tokens: readonly number[], n: number): number {
  const end = tokens.length - n;
  for (let start = end - 1; start >= 0; start--) {
    let i = 0;
    while (i < n && tokens[start + i] === tokens[end + i]) i++;
    if (i === n) return start;
  }
  return -1;
}

/** The outcome of a speculative step. */
interface Verified {
  /** The beginning of the guess that equals the model's own choices. */
  readonly accepted: readonly number[];
  /** The model's next choice after it; empty if the accepted tokens end the answer. */
  readonly next: readonly number[];
}

/**
 * Accepts the tokens of a guess as long as each equals the model's own choice. The result is the same as greedy decoding without a
 * guess, and each step yields one token more than it accepts.
 *
 * Source: speculative decoding (arXiv 2211.17192), greedy.
 *
 * @param scores logits after the last known token, then after each token of the guess
 * @param end the token that ends an answer
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

/** Returns the index of the largest number; of equal numbers the first. */
export function argmax(row: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i]! > row[best]!) best = i;
  return best;
}

/** Returns the indices of the n largest numbers in descending order; of equal numbers the first comes first. */
export function largest(row: ArrayLike<number>, n: number): number[] {
  const order = Array.from({ length: row.length }, (_, i) => i);
  return order.toSorted((a, b) => row[b]! - row[a]! || a - b).slice(0, n);
}
