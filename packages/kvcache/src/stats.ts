import type { CacheCore } from './core.ts';

/** A cache in numbers. used + cached + free = pages. */
export interface KvStats {
  /** Pages that sequences can have. */
  readonly pages: number;
  /** In the table of a sequence. */
  readonly used: number;
  /** In no table, but still holding a prefix that `open` would find. */
  readonly cached: number;
  /** Holding nothing. */
  readonly free: number;
  /** Memory of all pages of all layers, page 0 included. */
  readonly bytes: number;
  /** Open ones. */
  readonly sequences: number;
  /** Calls of `open` with tokens. */
  readonly lookups: number;
  /** Tokens that those calls named. */
  readonly lookupTokens: number;
  /** Tokens that those calls found. */
  readonly hitTokens: number;
  /** hitTokens / lookupTokens; 0 before the first. */
  readonly hitRate: number;
  /** Cached pages that were given up for others. */
  readonly evictions: number;
  /** Pages copied since a sequence was about to write one that others need. */
  readonly copies: number;
}

export function statsOf({ ledger, bytes }: CacheCore): KvStats {
  const { pages, open, counters } = ledger;
  const { lookups, lookupTokens, hitTokens, evictions, copies } = counters;
  return {
    pages: pages.pages,
    used: pages.used,
    cached: pages.cached,
    free: pages.blank,
    bytes,
    sequences: open.size,
    lookups,
    lookupTokens,
    hitTokens,
    hitRate: lookupTokens === 0 ? 0 : hitTokens / lookupTokens,
    evictions,
    copies,
  };
}
