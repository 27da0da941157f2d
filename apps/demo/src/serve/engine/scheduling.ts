/** A sequence that waits for its next tokens to be computed. */
interface Candidate {
  /** Tokens that have no keys and values yet: the rest of a prompt, or the last token. At least one. */
  readonly pending: readonly number[];
  /** A guess at what comes after them. */
  readonly draft: readonly number[];
}

/**
 * Which tokens of whom one step computes, in a packed batch of at most `rows` rows: one for each, so that nobody waits, and what
 * is left of the rows to the oldest first. So long prompts go in by chunks beside the others' single tokens.
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
  /** Tokens computed so far. */
  readonly length: number;
}

/**
 * Whether to hold a request back for a moment: somebody is computing full pages that it could share once they are there.
 * Requests in one batch do not find one another.
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
