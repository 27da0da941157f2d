/** A sequence that is being computed. */
export interface InProgress {
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
