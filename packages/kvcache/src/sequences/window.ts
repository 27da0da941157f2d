/** What a cache may forget: keys more than `window` before a query, but for the first `sinkTokens`. */
export interface WindowRule {
  readonly pageSize: number;
  readonly window: number;
  readonly sinkTokens: number;
}

/**
 * The pages `[first, end)` that no query from position `length` on can see. A query at position i sees the keys from
 * i − window on, as with the `window: [left, right]` option of attention.
 */
export function unseenPages(
  { pageSize, window, sinkTokens }: WindowRule,
  length: number,
): { first: number; end: number } {
  const first = Math.ceil(sinkTokens / pageSize);
  return { first, end: Math.max(first, Math.floor((length - window) / pageSize)) };
}
