/** A sequence whose next tokens are to be computed. */
interface Candidate {
  /** Tokens without keys and values: the rest of a prompt, or the last token. At least one. */
  readonly pending: readonly number[];
  /** Guessed tokens after them. */
  readonly draft: readonly number[];
}

/**
 * Returns the tokens of each sequence that one step computes, in a packed batch of at most `rows` rows. Each sequence gets one row;
 * the remaining rows go to the oldest sequences first. Long prompts are therefore computed in chunks, beside single tokens.
 *
 * Source: chunked prefill of Sarathi-Serve (arXiv 2403.02310).
 *
 * @param candidates oldest first, at most `rows`
 */
export function planStep(candidates: readonly Candidate[], rows: number): number[][] {
  let left = rows - candidates.length;
  return candidates.map(({ pending, draft }) => {
    const wanted = [...pending, ...draft];
    const more = Math.min(left, wanted.length - 1);
    left -= more;
    return wanted.slice(0, 1 + more);
  });
}

/** A sequence that is being computed. */
interface InProgress {
  readonly tokens: readonly number[];
  /** Number of tokens computed so far. */
  readonly length: number;
}

/**
 * Whether a request should wait because a running sequence is computing full pages that it could then share. Requests in the same
 * batch do not find each other's pages.
 */
export function shouldHoldBack(
  tokens: readonly number[],
  running: readonly InProgress[],
  pageSize: number,
): boolean {
  return running.some((other) => {
    const common = commonPrefix(tokens, other.tokens);
    const shareable = Math.floor(Math.min(common, tokens.length - 1) / pageSize) * pageSize;
    return other.length < shareable;
  });
}

function commonPrefix(a: readonly number[], b: readonly number[]): number {
  const end = Math.min(a.length, b.length);
  let i = 0;
  while (i < end && a[i] === b[i]) i++;
  return i;
}
