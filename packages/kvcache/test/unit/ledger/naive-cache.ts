import type { LedgerOptions } from '../../../src/sequences/ledger.ts';

/** A page as the model sees it: what was written to it, and the prefix that it is findable by. */
interface ModelPage {
  /** By layer and row: the tokens up to the one that the row belongs to. */
  readonly rows: (string | undefined)[][];
  prefix: string | undefined;
  lastUsed: number;
}

export interface ModelSequence {
  readonly id: number;
  readonly salt: string;
  readonly priority: number;
  /** Every token that was found or appended. */
  tokens: number[];
  counts: number[];
  committed: number;
  /** Physical pages; 0 where a window released one. */
  pages: number[];
}

export interface SavedPage {
  readonly prefix: string;
  readonly rows: (string | undefined)[][];
}

/** A cache that stores every token of every page and looks everything up by searching. */
export class NaiveCache {
  readonly options: LedgerOptions;
  readonly memory: ModelPage[];
  readonly sequences: Map<number, ModelSequence> = new Map();
  priorities: Map<string, number> = new Map();
  /** Pages that this call copies from: they may not be overwritten by it. */
  readonly copied: Set<number> = new Set();
  now = 0;

  constructor(options: LedgerOptions) {
    this.options = options;
    this.memory = Array.from({ length: options.pages + 1 }, () => ({
      rows: this.emptyRows(),
      prefix: undefined,
      lastUsed: 0,
    }));
  }

  emptyRows(): undefined[][] {
    return Array.from({ length: this.options.layers }, () => []);
  }

  /** Table entries that name each page. */
  referenceCounts(): number[] {
    const counts = this.memory.map(() => 0);
    for (const { pages } of this.sequences.values()) for (const page of pages) counts[page]!++;
    return counts;
  }

  references(page: number): number {
    return this.referenceCounts()[page]!;
  }

  /** Pages that no table names and no prefix is found by. */
  blank(): number[] {
    return this.#unused().filter((page) => this.memory[page]!.prefix === undefined);
  }

  /** Pages that no table names but a prefix is found by. */
  cached(): number[] {
    return this.#unused().filter((page) => this.memory[page]!.prefix !== undefined);
  }

  #unused(): number[] {
    return this.referenceCounts().flatMap((count, page) =>
      count === 0 && page > 0 && !this.copied.has(page) ? [page] : [],
    );
  }

  holders(prefix: string): number[] {
    return this.memory.flatMap((page, i) => (page.prefix === prefix ? [i] : []));
  }

  /** Whether a page or a committed sequence goes on from a prefix. */
  isContinued(prefix: string): boolean {
    const goesOn = (other: string | undefined): boolean => other?.startsWith(`${prefix}|`) ?? false;
    if (this.memory.some((page) => goesOn(page.prefix))) return true;
    return [...this.sequences.values()].some((sequence) => goesOn(this.committedPrefix(sequence)));
  }

  committedPrefix({ salt, tokens, committed }: ModelSequence): string {
    const { pageSize } = this.options;
    return prefixOf(salt, tokens, committed - (committed % pageSize), pageSize);
  }

  raisePriority(prefix: string, priority: number): void {
    this.priorities.set(prefix, Math.max(this.priorities.get(prefix) ?? -Infinity, priority));
  }

  /** A prefix that nothing is left of starts anew. */
  forgetPriorities(): void {
    const committed = [...this.sequences.values()].map((s) => this.committedPrefix(s));
    const alive = [...this.memory.flatMap(({ prefix }) => prefix ?? []), ...committed];
    this.priorities = new Map(
      [...this.priorities].filter(([prefix]) =>
        alive.some((other) => other === prefix || other.startsWith(`${prefix}|`)),
      ),
    );
  }

  /** Marks pages whose last reference has gone; returns those that hold no prefix. */
  released(pages: readonly number[], now: number): number[] {
    return pages.filter((page) => {
      if (page === 0 || this.references(page) > 0) return false;
      this.memory[page]!.lastUsed = now;
      return this.memory[page]!.prefix === undefined;
    });
  }

  /** Full pages of the longest run that `open` is to find. */
  longestHit(salt: string, tokens: readonly number[]): number {
    const { pageSize } = this.options;
    let best = 0;
    for (let pages = 1; pages * pageSize < tokens.length; pages++) {
      let isHit = true;
      for (let i = 0; i < pages; i++) {
        if (this.isUnseen(i, pages * pageSize)) continue;
        const prefix = prefixOf(salt, tokens, (i + 1) * pageSize, pageSize);
        if (this.holders(prefix).length === 0) isHit = false;
      }
      if (isHit) best = pages;
    }
    return best;
  }

  /** Whether no query at position `length` or later sees anything of a sequence's page `index`. */
  isUnseen(index: number, length: number): boolean {
    const { pageSize, window, sinkTokens = 0 } = this.options;
    if (window === undefined) return false;
    for (let key = index * pageSize; key < (index + 1) * pageSize; key++) {
      if (key < sinkTokens || key >= length - window) return false;
    }
    return true;
  }

  /** Entries of a sequence's table that no query from the next token on can see. */
  passed({ pages, counts }: ModelSequence): number[] {
    const length = Math.min(...counts);
    return pages.flatMap((page, i) => (page !== 0 && this.isUnseen(i, length) ? [i] : []));
  }
}

/** The name of a prefix in the model: its salt and its tokens, page by page. */
export function prefixOf(
  salt: string,
  tokens: readonly number[],
  end: number,
  pageSize: number,
): string {
  let prefix = salt;
  for (let at = 0; at < end; at += pageSize) prefix += `|${tokens.slice(at, at + pageSize).join()}`;
  return prefix;
}

export const pagesOf = (prefix: string): string[] => prefix.split('|').slice(1);
