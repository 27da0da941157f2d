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
