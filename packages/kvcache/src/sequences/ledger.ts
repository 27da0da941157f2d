import type { EvictionPolicy } from '../pages/eviction.ts';
import { NULL_PAGE, PageAllocator } from '../pages/page-allocator.ts';
import { rootName } from '../pages/page-name.ts';
import { pagesAtOnce, sightOf, unseenPages } from '../pages/page-window.ts';
import { matchPrefix, type PrefixNode, PrefixTree } from '../pages/prefix-tree.ts';
import { commit, raisePriority } from './commit.ts';
import {
  type PageMoves,
  type PageRules,
  planReservation,
  releasePassed,
  reserve,
} from './reservation.ts';
import { lengthOf, type SequenceState, sequenceState, SlotMapping } from './sequence-state.ts';
import { releaseTail, truncate } from './truncate.ts';

export interface LedgerOptions {
  readonly layers: number;
  readonly pageSize: number;
  /** Pages that can be allocated. */
  readonly pages: number;
  readonly window?: number | undefined;
  readonly sinkTokens?: number | undefined;
  readonly eviction: EvictionPolicy;
}

/** Called when a prefix gets its first page, and when it has lost its last. */
export interface LedgerEvents {
  stored(node: PrefixNode, page: number): void;
  removed(node: PrefixNode, page: number): void;
}

export interface LedgerCounters {
  /** Calls of `open` with tokens. */
  lookups: number;
  lookupTokens: number;
  hitTokens: number;
  /** Shared pages that were copied before a sequence wrote them. */
  copies: number;
  /** Cached pages that were evicted. */
  evictions: number;
}

/** Pages that a load keeps for the sequence that will find them: each entry is a reference. */
export type PageHold = number[];

/** The host's half of a cache: which sequence has which page, and which prefix each page holds. It uses no GPU. */
export class Ledger {
  readonly pages: PageAllocator;
  tree: PrefixTree;
  readonly open: Set<SequenceState> = new Set();
  readonly holds: Set<PageHold> = new Set();
  readonly counters: LedgerCounters = {
    lookups: 0,
    lookupTokens: 0,
    hitTokens: 0,
    copies: 0,
    evictions: 0,
  };
  readonly #layers: number;
  readonly #rules: PageRules;
  readonly #slots: SlotMapping;
  readonly #events: LedgerEvents;
  #now = 0;
  #nextId = 1;

  constructor(options: LedgerOptions, events: LedgerEvents) {
    const { layers, pageSize, pages, window, sinkTokens = 0, eviction } = options;
    this.#layers = layers;
    this.#rules = {
      pageSize,
      window: window === undefined ? undefined : { pageSize, window, sinkTokens },
    };
    this.#events = events;
    this.#slots = new SlotMapping(pageSize);
    this.tree = new PrefixTree(pageSize);
    const sight = this.#rules.window && sightOf(this.#rules.window);
    this.pages = new PageAllocator(pages, eviction, sight, (node, page) => {
      if (this.pages.references(page) === 0) this.counters.evictions++;
      if (node.pages.length === 0) this.#events.removed(node, page);
      this.tree.prune(node);
    });
  }

  openSequence(tokens: ArrayLike<number>, salt: string, priority: number): SequenceState {
    const root = this.tree.root(rootName(salt));
    const path = matchPrefix(this.tree, root, tokens, this.#rules.window);
    const length = path.length * this.#rules.pageSize;
    const start = { layers: this.#layers, node: path.at(-1) ?? root, length, priority };
    const state = sequenceState(this.#nextId++, start);
    this.#share(state, path);
    this.open.add(state);
    if (tokens.length > 0) {
      this.counters.lookups++;
      this.counters.lookupTokens += tokens.length;
      this.counters.hitTokens += length;
    }
    return state;
  }

  /**
   * Adds `rowCounts[i]` tokens to one layer of sequence i. The first append of a step reserves pages for all layers.
   * @throws CapacityError too few pages; nothing has changed then
   */
  append(
    fn: string,
    layer: number,
    states: readonly SequenceState[],
    rowCounts: Int32Array,
  ): { readonly moves: PageMoves; readonly slots: Int32Array } {
    const starts = Uint32Array.from(states, ({ counts }) => counts[layer]!);
    const growths = states.map((state, i) => ({ state, length: starts[i]! + rowCounts[i]! }));
    const plan = planReservation(this.pages, this.#rules, growths);
    const moves = reserve(fn, this.pages, this.#rules, plan, ++this.#now);
    this.counters.copies += moves.copies.length / 2;
    const slots = this.#slots.get(states, starts, rowCounts);
    growths.forEach(({ state, length }, i) => {
      state.counts[layer] = length;
      state.appended[layer] = rowCounts[i]!;
    });
    return { moves, slots };
  }

  /** Returns whether the first append of a step would find its pages. */
  canAppend(states: readonly SequenceState[], rowCounts: readonly number[]): boolean {
    const growths = states.map((state, i) => {
      return { state, length: Math.max(...state.counts) + rowCounts[i]! };
    });
    const { needed, available } = planReservation(this.pages, this.#rules, growths);
    return needed <= available;
  }

  /** Returns whether a sequence of `tokens` tokens fits when it is alone. */
  canEverFit(tokens: number): boolean {
    const { pageSize, window } = this.#rules;
    return pagesAtOnce(pageSize, window, tokens) <= this.pages.pages;
  }

  commit(fn: string, state: SequenceState, tokens: ArrayLike<number>): void {
    commit(fn, this.pages, this.tree, state, tokens, (node, page) => {
      this.#events.stored(node, page);
    });
  }

  fork(state: SequenceState): SequenceState {
    const { node, committed, priority } = state;
    const length = lengthOf(state);
    const start = { layers: this.#layers, node, length, priority };
    const child = sequenceState(this.#nextId++, start);
    child.committed = committed;
    child.pending = [...state.pending];
    child.firstKept = state.firstKept;
    child.cachedTokens = state.cachedTokens;
    for (const page of state.table.entries) {
      this.pages.retain(page);
      child.table.push(page);
    }
    this.open.add(child);
    return child;
  }

  truncate(fn: string, state: SequenceState, length: number): number[] {
    return truncate(fn, this.pages, this.tree, this.#rules, state, length, ++this.#now);
  }

  close(state: SequenceState): number[] {
    // Pages that the window has passed get an earlier time than the rest, so they are evicted first.
    const freed = releasePassed(this.pages, this.#rules, state, ++this.#now);
    freed.push(...releaseTail(this.pages, state, 0, ++this.#now));
    state.isOpen = false;
    state.epoch++;
    state.node.holders--;
    this.tree.prune(state.node);
    this.open.delete(state);
    return freed;
  }

  /**
   * Takes pages for loaded prefixes, none of which has one: for the first ones, as far as pages last, in ascending order, so that
   * neighbours are copied together. Without a hold, it takes free pages and makes them cached; with one, it may evict cached pages,
   * and the hold gets what it takes.
   */
  adopt(nodes: readonly PrefixNode[], hold?: PageHold): number[] {
    const room = hold ? this.pages.available : this.pages.free;
    const taken = Array.from({ length: Math.min(nodes.length, room) }, () => this.pages.take());
    const pages = taken.toSorted((a, b) => a - b);
    for (const [i, page] of pages.entries()) {
      const node = nodes[i]!;
      raisePriority(this.pages, node, 0);
      this.pages.name(page, node);
      this.#events.stored(node, page);
    }
    if (hold) hold.push(...pages);
    else for (const page of pages) this.pages.release(page, ++this.#now);
    return pages;
  }

  /** Returns a new hold: pages that stay, as those of a sequence do, until {@link letGo}. */
  hold(): PageHold {
    const hold: PageHold = [];
    this.holds.add(hold);
    return hold;
  }

  /** Adds the page of a prefix to a hold. */
  keep(hold: PageHold, node: PrefixNode): void {
    const page = this.#bestPage(node);
    this.pages.retain(page);
    hold.push(page);
  }

  /** Ends a hold. The last page is released, and so evicted, first. */
  letGo(hold: PageHold): void {
    if (!this.holds.delete(hold)) return;
    this.#now++;
    for (const page of hold.toReversed()) this.pages.release(page, this.#now);
  }

  /** Forgets every prefix, those of holds too. Only while no sequence is open. Returns the pages that became free. */
  clear(): number[] {
    for (const hold of this.holds) this.letGo(hold);
    this.tree = new PrefixTree(this.#rules.pageSize);
    return this.pages.clear();
  }

  #share(state: SequenceState, path: readonly PrefixNode[]): void {
    const { window, pageSize } = this.#rules;
    const unseen = window ? unseenPages(window, path.length * pageSize) : { first: 0, end: 0 };
    path.forEach((node, i) => {
      const isUnseen = i >= unseen.first && i < unseen.end;
      const page = isUnseen ? NULL_PAGE : this.#bestPage(node);
      this.pages.retain(page);
      raisePriority(this.pages, node, state.priority);
      state.table.push(page);
    });
    state.firstKept = unseen.end;
  }

  // Prefers a page in use to a cached copy, which can then be evicted.
  #bestPage(node: PrefixNode): number {
    return node.pages.find((page) => this.pages.references(page) > 0) ?? node.pages[0]!;
  }
}
