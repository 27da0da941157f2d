import type { PageRefusal } from '../stores/page-record.ts';

/** A record that was left out, and why. */
export interface RefusedPage {
  /** Its key in the store. */
  readonly key: string;
  readonly refused: PageRefusal;
  /** In words, with the found and the expected value. */
  readonly reason: string;
}

/** Result of `load`. Pages of other namespaces and geometries in the store are not counted. */
export interface LoadReport {
  /** Pages that became findable. */
  readonly loaded: number;
  /** Pages that the cache already had. */
  readonly known: number;
  /** Pages for which no page was free, or none for the pages before them. */
  readonly left: number;
  /** Records that could not be used. */
  readonly refused: readonly RefusedPage[];
  /**
   * With `tokens`: keeps the prompt's pages from eviction until it is disposed of, or for ten seconds. Dispose of it when the sequence
   * is open.
   */
  readonly hold?: Disposable;
}
