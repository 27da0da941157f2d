import { blocksFor, type Room } from '../pages/block-pool.ts';
import type { EvictionPolicy } from '../pages/eviction.ts';
import {
  type GroupOptions,
  type GroupRules,
  groupRules,
  layersOfRun,
} from '../pages/group-rules.ts';
import { PageAllocator } from '../pages/page-allocator.ts';
import { rootName } from '../pages/page-name.ts';
import { pagesAtOnce, unseenPages } from '../pages/page-window.ts';
import { matchPrefix } from '../pages/prefix-match.ts';
import type { PageSet, PrefixNode } from '../pages/prefix-node.ts';
import { PrefixTree } from '../pages/prefix-tree.ts';
import { commit, raisePriority } from './commit.ts';
import { keep, type RowMoves } from './keep.ts';
import { fits, type PageMoves, planReservation, releasePassed, reserve } from './reservation.ts';
import { lengthOf, type SequenceState, sequenceState, SlotMapping } from './sequence-state.ts';
import { releaseTail, truncate } from './truncate.ts';

export interface LedgerOptions {
  /** Groups of layers. Layers are counted through: those of the first group, then those of the next. */
  readonly groups: readonly GroupOptions[];
  readonly pageSize: number;
  /** Blocks that can be allocated. */
  readonly blocks: number;
  readonly eviction: EvictionPolicy;
}

/** Called when a prefix becomes findable, with the last pages that it needed, and when it no longer is, with the first that it lost. */
export interface LedgerEvents {
  stored(node: PrefixNode, set: PageSet): void;
  removed(node: PrefixNode, set: PageSet): void;
}

export interface LedgerCounters {
  /** Calls of `open` with tokens. */
  lookups: number;
  lookupTokens: number;
  hitTokens: number;
  /** Shared pages that were copied before a sequence wrote them. */
  copies: number;
  /** Shared pages that a sequence got a copy of because `keep` moved rows into them. */
  keepCopies: number;
  /** Cached pages that were evicted. */
  evictions: number;
}

/** Pages that a load keeps for the sequence that will find them: each entry is a reference. */
export type PageHold = PageSet[];

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
    keepCopies: 0,
    evictions: 0,
  };
  readonly groups: readonly GroupRules[];
  readonly pageSize: number;
  /** The group whose pages events tell: the first without a window, else the first. */
  readonly told: number;
  /** The slots of each layer's run. */
  readonly #slots: readonly SlotMapping[];
  #now = 0;
  #nextId = 1;

  constructor(options: LedgerOptions, events: LedgerEvents) {
    const { groups, pageSize, blocks, eviction } = options;
    this.groups = groupRules(groups, pageSize);
    this.pageSize = pageSize;
    this.told = Math.max(
      0,
      this.groups.findIndex(({ window }) => !window),
    );
    const size = layersOfRun(groups);
    this.#slots = this.groups.flatMap(({ group, runs }) => {
      const mappings = Array.from({ length: runs }, (_, i) => new SlotMapping(pageSize, group, i));
      return Array.from(
        { length: groups[group]!.layers },
        (_, i) => mappings[Math.floor(i / size)]!,
      );
    });
    this.tree = new PrefixTree(pageSize);
    this.pages = new PageAllocator(blocks, this.groups, eviction, {
      ...events,
      forgotten: (node, { references }) => {
        if (references === 0) this.counters.evictions++;
        this.tree.prune(node);
      },
    });
  }

  openSequence(tokens: ArrayLike<number>, salt: string, priority: number): SequenceState {
    const root = this.tree.root(rootName(salt), salt);
    const path = matchPrefix(this.tree, root, tokens, this.groups);
    const length = path.length * this.pageSize;
    const state = this.#newSequence(path.at(-1) ?? root, length, priority);
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
    const plan = planReservation(this.pages, this.pageSize, growths);
    const moves = reserve(fn, this.pages, this.pageSize, plan, this.#now + 1);
    this.#now++;
    this.counters.copies += moves.copies.length;
    const slots = this.#slots[layer]!.get(states, starts, rowCounts);
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
    return fits(this.pages, planReservation(this.pages, this.pageSize, growths));
  }

  /** Returns whether a sequence of `tokens` tokens fits when it is alone. */
  canEverFit(tokens: number): boolean {
    const { blocks, perBlock } = this.pages.blocks;
    const wanted = this.groups.flatMap(({ runs, window }) => {
      return Array<number>(runs).fill(pagesAtOnce(this.pageSize, window, tokens));
    });
    return blocksFor(perBlock, wanted, { blocks, spare: wanted.map(() => 0) }) <= blocks;
  }

  commit(fn: string, state: SequenceState, tokens: ArrayLike<number>): void {
    commit(fn, this.pages, this.tree, state, tokens);
  }

  fork(state: SequenceState): SequenceState {
    const { node, committed, priority } = state;
    const child = this.#newSequence(node, lengthOf(state), priority);
    child.committed = committed;
    child.pending = [...state.pending];
    child.cachedTokens = state.cachedTokens;
    child.positions = state.positions;
    child.isPrivate = state.isPrivate;
    state.tables.forEach((table, group) => {
      const own = child.tables[group]!;
      own.firstKept = table.firstKept;
      for (const set of table.sets) {
        if (set) this.pages.retain(set);
        own.push(set);
      }
    });
    this.open.add(child);
    return child;
  }

  truncate(fn: string, state: SequenceState, length: number): PageSet[] {
    return truncate(fn, this.pages, this.tree, state, length, ++this.#now);
  }

  /**
   * Drops all rows from `from` on (default: all) but `rows`.
   * @throws CapacityError too few pages for copies of shared ones; nothing has changed then
   */
  keepRows(
    fn: string,
    state: SequenceState,
    rows: ArrayLike<number> | BigInt64Array,
    from?: number,
  ): RowMoves | undefined {
    const moves = keep(fn, this.pages, this.tree, state, rows, from, this.#now + 1);
    if (!moves) return undefined;
    this.#now++;
    this.counters.keepCopies += moves.fresh.length;
    return moves;
  }

  close(state: SequenceState): PageSet[] {
    // Pages that the window has passed get an earlier time than the rest, so they are evicted first.
    const freed = releasePassed(this.pages, state, ++this.#now);
    freed.push(...releaseTail(this.pages, state, 0, ++this.#now));
    state.isOpen = false;
    state.epoch++;
    state.node.holders--;
    this.tree.prune(state.node);
    this.open.delete(state);
    return freed;
  }

  /**
   * Takes pages of a group for loaded prefixes that have none in it: for the first ones, as far as pages last, in ascending order, so
   * that neighbours are copied together. Without a hold, it takes free pages and makes them cached; with one, it may evict cached
   * pages, and the hold gets what it takes.
   */
  adopt(nodes: readonly PrefixNode[], group: number, hold?: PageHold): PageSet[] {
    const { blocks } = this.pages;
    const rules = this.groups[group]!;
    const room = hold ? blocks.room : blocks.freeRoom;
    const count = Math.min(nodes.length, setsIn(rules, room));
    if (hold) this.pages.makeRoom(wantedBy(this.groups, rules, count));
    const sets = Array.from({ length: count }, () => this.pages.take(group));
    sets.sort((a, b) => a.pages[0]! - b.pages[0]!);
    for (const [i, set] of sets.entries()) {
      raisePriority(this.pages, nodes[i]!, 0);
      this.pages.name(set, nodes[i]!);
    }
    if (hold) hold.push(...sets);
    else for (const set of sets) this.pages.release(set, ++this.#now);
    return sets;
  }

  /** Returns a new hold: pages that stay, as those of a sequence do, until {@link letGo}. */
  hold(): PageHold {
    const hold: PageHold = [];
    this.holds.add(hold);
    return hold;
  }

  /** Adds the pages of a prefix in a group to a hold. */
  keep(hold: PageHold, node: PrefixNode, group: number): void {
    const set = node.best(group)!;
    this.pages.retain(set);
    hold.push(set);
  }

  /** Ends a hold. The last page is released, and so evicted, first. */
  letGo(hold: PageHold): void {
    if (!this.holds.delete(hold)) return;
    this.#now++;
    for (const set of hold.toReversed()) this.pages.release(set, this.#now);
  }

  /** Forgets every prefix, those of holds too. Only while no sequence is open. Returns the pages that became free. */
  clear(): PageSet[] {
    for (const hold of this.holds) this.letGo(hold);
    const { tree } = this;
    this.tree = new PrefixTree(this.pageSize);
    return this.pages.clear(tree.nodes());
  }

  #newSequence(node: PrefixNode, length: number, priority: number): SequenceState {
    const start = { groups: this.groups, layers: this.#slots.length, node, length, priority };
    return sequenceState(this.#nextId++, start);
  }

  #share(state: SequenceState, path: readonly PrefixNode[]): void {
    for (const node of path) raisePriority(this.pages, node, state.priority);
    for (const table of state.tables) {
      const { group, window } = table.rules;
      const unseen = window
        ? unseenPages(window, path.length * this.pageSize)
        : { first: 0, end: 0 };
      path.forEach((node, i) => {
        // Pages in use are preferred to a cached copy, which can then be evicted.
        const set = i >= unseen.first && i < unseen.end ? undefined : node.best(group)!;
        if (set) this.pages.retain(set);
        table.push(set);
      });
      table.firstKept = unseen.end;
    }
  }
}

/** Returns the number of pages that each run takes for `count` pages of a group. */
const wantedBy = (groups: readonly GroupRules[], { group }: GroupRules, count: number): number[] =>
  groups.flatMap((other) => Array<number>(other.runs).fill(other.group === group ? count : 0));

/** Returns the most pages of a group that there is room for. */
function setsIn({ runs, firstRun, perBlock }: GroupRules, { blocks, spare }: Room): number {
  const own = spare.slice(firstRun, firstRun + runs);
  const fitsIn = (count: number): boolean =>
    own.reduce((sum, pages) => sum + Math.ceil(Math.max(0, count - pages) / perBlock), 0) <= blocks;
  let count = Math.min(...own) + Math.floor(blocks / runs) * perBlock;
  while (fitsIn(count + 1)) count++;
  return count;
}
