/** A cache may release keys more than `window` positions before a query, except the first `sinkTokens` keys. */
export interface WindowRule {
  readonly pageSize: number;
  readonly window: number;
  readonly sinkTokens: number;
}

/** Visibility in whole pages: all queries see the pages before `first`; any other page is no longer seen `pages` pages later. */
export interface Sight {
  readonly first: number;
  readonly pages: number;
}

export function sightOf({ pageSize, window, sinkTokens }: WindowRule): Sight {
  return { first: Math.ceil(sinkTokens / pageSize), pages: Math.ceil(window / pageSize) };
}

/**
 * Returns the most pages that a sequence holds at a time on its way to `tokens` tokens: without a window, all of them; with one,
 * the visible pages, if its tokens are appended one by one.
 */
export function pagesAtOnce(
  pageSize: number,
  rule: WindowRule | undefined,
  tokens: number,
): number {
  const all = Math.ceil(tokens / pageSize);
  if (!rule || all === 0) return all;
  // The maximum is reached when a page is started, before the next append releases the passed pages.
  const { first, end } = unseenPages(rule, (all - 1) * pageSize);
  return all - (end - first);
}

/**
 * Returns the pages `[first, end)` that no query from position `length` on can see. A query at position i sees the keys from
 * i − window on, as with the `window: [left, right]` option of attention.
 */
export function unseenPages(rule: WindowRule, length: number): { first: number; end: number } {
  const { first } = sightOf(rule);
  return { first, end: Math.max(first, Math.floor((length - rule.window) / rule.pageSize)) };
}
