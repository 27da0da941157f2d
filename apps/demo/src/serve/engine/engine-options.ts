import type { PagedKvCache } from '@heed/kvcache';
import type { PageBook } from './page-book.ts';
import type { Runner } from './runner.ts';

export interface EngineOptions {
  readonly runner: Runner;
  readonly cache: PagedKvCache;
  /** Tokens in a page of the cache. */
  readonly pageSize: number;
  /** Told which page holds what after every step. */
  readonly book?: PageBook;
  /** Answers that run together, at most `runner.rows`. */
  readonly seats: number;
  /** Tokens that a speculative step guesses at most; 0 for none. */
  readonly drafts: number;
}
