/** What a cache may forget: keys more than `window` before a query, but for the first `sinkTokens`. */
export interface WindowRule {
  readonly pageSize: number;
  readonly window: number;
  readonly sinkTokens: number;
}

/** How far pages are seen: those before `first` from everywhere, the others no longer from the page that is `pages` further on. */
export interface Sight {
  readonly first: number;
  readonly pages: number;
}

export function sightOf({ pageSize, window, sinkTokens }: WindowRule): Sight {
  return { first: Math.ceil(sinkTokens / pageSize), pages: Math.ceil(window / pageSize) };
}

/**
 * The most pages that a sequence has at a time on its way to `tokens` tokens: without a window all of them; with one, those that
 * a query sees, if it is appended to a token at a time.
 */
export function pagesAtOnce(
  pageSize: number,
  rule: WindowRule | undefined,
  tokens: number,
): number {
  const all = Math.ceil(tokens / pageSize);
  if (!rule || all === 0) return all;
  // Most are held when a page is begun, before the next append releases what has been passed.
  const { first, end } = unseenPages(rule, (all - 1) * pageSize);
  return all - (end - first);
}

/**
 * The pages `[first, end)` that no query from position `length` on can see. A query at position i sees the keys from
 * i − window on, as with the `window: [left, right]` option of attention.
 */
export function unseenPages(rule: WindowRule, length: number): { first: number; end: number } {
  const { first } = sightOf(rule);
  return { first, end: Math.max(first, Math.floor((length - rule.window) / rule.pageSize)) };
}
