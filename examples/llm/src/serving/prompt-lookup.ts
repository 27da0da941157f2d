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
    if (found >= 0) return tokens.slice(found + n, found + n + max);
  }
  return [];
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
