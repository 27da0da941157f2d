import assert from 'node:assert/strict';
import type { EvictionCandidate } from '../../../src/pages/eviction.ts';
import type { PlainOptions } from './plain-ledger.ts';

/** A page of the model: the rows written to it, and its prefix if it is named. */
interface ModelPage {
  /** All tokens up to that of the row, by layer and row. */
  readonly rows: (string | undefined)[][];
  prefix: string | undefined;
  lastUsed: number;
}

export interface ModelSequence {
  readonly id: number;
  readonly salt: string;
  readonly priority: number;
  /** Every token that was found or appended, without those of dropped rows. */
  tokens: number[];
  /** The content of each row: the tokens on which its key depends. */
  rows: string[];
  /** The position of each row, and of the next one. */
  positions: number[];
  nextPosition: number;
  isPrivate: boolean;
  counts: number[];
  committed: number;
  /** Physical pages; 0 where a window released one. */
  pages: number[];
}

export interface SavedPage {
  readonly prefix: string;
  readonly rows: (string | undefined)[][];
}

/** What a step did to pages: sources and copies, alternating; new pages; those that became free. */
export interface NaiveMoves {
  readonly copies: readonly number[];
  readonly fresh: readonly number[];
  readonly freed: readonly number[];
}

/** A cache that stores every token of every page and finds everything by search. */
export class NaiveCache {
  readonly options: PlainOptions;
  readonly memory: ModelPage[];
  readonly sequences: Map<number, ModelSequence> = new Map();
  priorities: Map<string, number> = new Map();
  /** Source pages of this call's copies, which it may not overwrite. */
  readonly copied: Set<number> = new Set();
  now = 0;

  constructor(options: PlainOptions) {
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

  /** Returns the number of table entries that name each page. */
  referenceCounts(): number[] {
    const counts = this.memory.map(() => 0);
    for (const { pages } of this.sequences.values()) for (const page of pages) counts[page]!++;
    return counts;
  }

  references(page: number): number {
    return this.referenceCounts()[page]!;
  }

  /** Returns the pages in no table and without a prefix. */
  free(): number[] {
    return this.#unused().filter((page) => this.memory[page]!.prefix === undefined);
  }

  /** Returns the pages in no table that hold a prefix. */
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

  /** Returns whether a page or a committed sequence continues a prefix. */
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

  /** Forgets the priorities of prefixes without pages and sequences. */
  forgetPriorities(): void {
    const committed = [...this.sequences.values()].map((s) => this.committedPrefix(s));
    const alive = [...this.memory.flatMap(({ prefix }) => prefix ?? []), ...committed];
    this.priorities = new Map(
      [...this.priorities].filter(([prefix]) =>
        alive.some((other) => other === prefix || other.startsWith(`${prefix}|`)),
      ),
    );
  }

  /** Sets the time of pages without references; returns the pages without a prefix. */
  released(pages: readonly number[], now: number): number[] {
    return pages.filter((page) => {
      if (page === 0 || this.references(page) > 0) return false;
      this.memory[page]!.lastUsed = now;
      return this.memory[page]!.prefix === undefined;
    });
  }

  /** Returns the number of full pages that `open` must find. */
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

  /** Returns whether no query at position `length` or later sees a key of page `index`. */
  isUnseen(index: number, length: number): boolean {
    const { pageSize, window, sinkTokens = 0 } = this.options;
    if (window === undefined) return false;
    for (let key = index * pageSize; key < (index + 1) * pageSize; key++) {
      if (key < sinkTokens || key >= length - window) return false;
    }
    return true;
  }

  /** Returns the table entries that no query from the next token on can see. */
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

/** Evicts pages, first to last, until `count` are free. */
function makeRoom(cache: NaiveCache, count: number): void {
  while (cache.free().length < count) cache.memory[evictionOrder(cache)[0]!]!.prefix = undefined;
}

/** Allocates a free page. */
export function take(cache: NaiveCache, page: number): void {
  assert.ok(cache.free().includes(page));
  Object.assign(cache.memory[page]!, { prefix: undefined, rows: cache.emptyRows() });
}

/** Returns all pages that may be evicted, in the order of eviction: those that no hit needs, then leaves. */
function evictionOrder(cache: NaiveCache): number[] {
  const { memory, options } = cache;
  const cached = cache.cached();
  const prefixes = new Set(memory.map(({ prefix }) => prefix ?? ''));
  const parentsOf = (all: Iterable<string>): Set<string> => new Set([...all].map(parentOf));
  const stored = parentsOf(prefixes);
  const ends = [...prefixes].filter((prefix) => prefix !== '' && !stored.has(prefix));
  const parents = parentsOf(cached.map((page) => memory[page]!.prefix!));
  const isNeedless = (prefix: string): boolean =>
    cache.holders(prefix).length > 1 || !ends.some((end) => sees(cache, end, prefix));
  const { compare } = options.eviction;
  const inOrder = (pages: number[]): number[] =>
    pages
      .map((page) => ({ page, ...candidate(cache, page) }))
      .toSorted((a, b) => compare(a, b) || b.depth - a.depth || a.page - b.page)
      .map(({ page }) => page);
  const needless = cached.filter((page) => isNeedless(memory[page]!.prefix!));
  const leaves = cached.filter((page) => !parents.has(memory[page]!.prefix!));
  return [...inOrder(needless), ...inOrder(leaves)];
}

function candidate({ memory, priorities }: NaiveCache, page: number): EvictionCandidate {
  const { prefix, lastUsed } = memory[page]!;
  const priority = priorities.get(prefix!)!;
  const depth = pagesOf(prefix!).length - 1;
  return { priority, lastUsed, depth, bytes: 64, group: 'all', salt: prefix!.split('|')[0]! };
}

/** Returns whether a query after `end` sees the last page of `prefix`. */
function sees(cache: NaiveCache, end: string, prefix: string): boolean {
  if (!`${end}|`.startsWith(`${prefix}|`)) return false;
  const length = pagesOf(end).length * cache.options.pageSize;
  return !cache.isUnseen(pagesOf(prefix).length - 1, length);
}

const parentOf = (prefix: string): string => prefix.slice(0, prefix.lastIndexOf('|'));

/** A sequence that needs pages, and the length for which it needs them. */
interface Growth {
  readonly sequence: ModelSequence;
  readonly length: number;
}

/** Returns the sequences that need pages for `rows[i]` more tokens in a layer. */
export function growing(
  sequences: readonly ModelSequence[],
  layer: number,
  rows: Int32Array,
): Growth[] {
  return sequences
    .map((sequence, i) => ({ sequence, length: sequence.counts[layer]! + rows[i]! }))
    .filter(({ sequence, length }) => length > Math.max(...sequence.counts));
}

/** Returns, before any change, whether an append finds its pages and which sequences get a copy of their last page. */
export function demandOf(
  cache: NaiveCache,
  growths: readonly Growth[],
): { readonly fits: boolean; readonly needed: number; readonly copiesTail: readonly boolean[] } {
  const { pageSize } = cache.options;
  const references = cache.referenceCounts();
  const drop = (page: number): void => void references[page]!--;
  for (const { sequence } of growths)
    cache.passed(sequence).forEach((i) => drop(sequence.pages[i]!));
  const free = references.filter((count, page) => page > 0 && count === 0).length;
  let needed = 0;
  const copiesTail = growths.map(({ sequence, length }) => {
    needed += Math.ceil(length / pageSize) - sequence.pages.length;
    const tail = tailOf(cache, sequence);
    if (tail === undefined || !isNeeded(cache, tail, references[tail]!)) return false;
    drop(tail);
    needed++;
    return true;
  });
  return { fits: needed <= free, needed, copiesTail };
}

/** Applies the ledger's decisions to the model, and checks each of them. */
export function follow(cache: NaiveCache, growths: readonly Growth[], moves: NaiveMoves): void {
  const copies = [...moves.copies];
  const fresh = [...moves.fresh];
  const { copiesTail, needed } = demandOf(cache, growths);
  const now = ++cache.now;
  const freed = growths.flatMap(({ sequence }) => releasePassed(cache, sequence, now));
  assert.deepEqual(moves.freed, freed);
  makeRoom(cache, needed);
  for (const [i, { sequence, length }] of growths.entries()) {
    const tail = tailOf(cache, sequence);
    if (copiesTail[i]) {
      assert.equal(copies.shift(), tail);
      copyTail(cache, sequence, copies.shift()!);
    } else if (tail !== undefined) {
      cache.memory[tail]!.prefix = undefined;
    }
    while (sequence.pages.length * cache.options.pageSize < length) {
      const page = fresh.shift()!;
      take(cache, page);
      sequence.pages.push(page);
    }
  }
  assert.deepEqual([copies, fresh], [[], []]);
  const sources = [...cache.copied];
  cache.copied.clear();
  cache.released(sources, now);
}

/** Releases the pages that a window has passed; returns those without a prefix. */
export function releasePassed(cache: NaiveCache, sequence: ModelSequence, now: number): number[] {
  return cache.passed(sequence).flatMap((i) => {
    const page = sequence.pages[i]!;
    sequence.pages[i] = 0;
    return cache.released([page], now);
  });
}

function copyTail(cache: NaiveCache, { pages }: ModelSequence, copy: number): void {
  const tail = pages.at(-1)!;
  take(cache, copy);
  const rows = cache.memory[tail]!.rows.map((layer) => [...layer]);
  cache.memory[copy]!.rows.splice(0, Infinity, ...rows);
  pages[pages.length - 1] = copy;
  cache.copied.add(tail);
}

/** Returns the last page if it is partly filled. */
function tailOf(cache: NaiveCache, { counts, pages }: ModelSequence): number | undefined {
  return Math.max(...counts) % cache.options.pageSize === 0 ? undefined : pages.at(-1);
}

/** What a `keep` must do: pages to copy, last first; pages that lose their names. */
export interface NaiveKeep {
  readonly copies: readonly number[];
  readonly renamed: readonly number[];
}

/**
 * Returns what dropping all rows but `kept` does to pages, of which the first change is row `first`. Pages that only this sequence
 * needs are written in place.
 */
export function keepPlan(
  cache: NaiveCache,
  sequence: ModelSequence,
  first: number,
  kept: number,
): NaiveKeep {
  const { pageSize } = cache.options;
  const firstPage = Math.floor(first / pageSize);
  const tail = sequence.pages.slice(firstPage);
  const written = first === kept ? [] : tail.slice(0, Math.ceil(kept / pageSize) - firstPage);
  const alone = aloneIn(cache, sequence, tail);
  const isNamed = (page: number): boolean => cache.memory[page]!.prefix !== undefined;
  const inPlace = written.filter((page) => alone.has(page) && isNamed(page));
  const cut = inPlace.length === 0 ? [] : tail.slice(tail.indexOf(inPlace[0]!));
  return {
    copies: written.filter((page) => !alone.has(page)).toReversed(),
    renamed: cut.filter((page) => alone.has(page)),
  };
}

/** Returns the last pages of a sequence that are in no other table and that no page or sequence but these continues. */
function aloneIn(cache: NaiveCache, own: ModelSequence, tail: readonly number[]): Set<number> {
  const counts = cache.referenceCounts();
  const alone = new Set(tail.filter((page) => counts[page] === 1));
  const others = [...cache.sequences.values()].filter((sequence) => sequence !== own);
  const isContinued = (page: number): boolean => {
    const { prefix } = cache.memory[page]!;
    if (prefix === undefined) return false;
    const goesOn = (other: string | undefined): boolean => other?.startsWith(`${prefix}|`) ?? false;
    return (
      cache.memory.some((other, i) => !alone.has(i) && goesOn(other.prefix)) ||
      others.some((sequence) => goesOn(cache.committedPrefix(sequence)))
    );
  };
  for (;;) {
    const needed = [...alone].find(isContinued);
    if (needed === undefined) return alone;
    alone.delete(needed);
  }
}

/** Takes pages for copies, in the ledger's order, and puts them into the sequence's table. */
export function takeCopies(
  cache: NaiveCache,
  sequence: ModelSequence,
  { copies }: NaiveKeep,
  fresh: readonly number[],
): void {
  makeRoom(cache, copies.length);
  assert.equal(fresh.length, copies.length);
  copies.forEach((page, i) => {
    take(cache, fresh[i]!);
    sequence.pages[sequence.pages.indexOf(page)] = fresh[i]!;
    cache.copied.add(page);
  });
}

function isNeeded(cache: NaiveCache, page: number, references: number): boolean {
  const { prefix } = cache.memory[page]!;
  return references > 1 || (prefix !== undefined && cache.isContinued(prefix));
}
