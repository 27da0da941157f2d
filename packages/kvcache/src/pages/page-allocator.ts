import { BlockPool, blocksLacking, type Room } from './block-pool.ts';
import type { EvictionCandidate, EvictionPolicy } from './eviction.ts';
import { EvictionQueue } from './eviction-queue.ts';
import type { GroupRules } from './group-rules.ts';
import { unseenPages } from './page-window.ts';
import type { PageSet, PrefixNode } from './prefix-node.ts';

/** What an allocator tells of the prefixes whose pages it has. */
export interface AllocatorEvents {
  /** A prefix has a page in every group that must have one, now that it has got this one. */
  stored(node: PrefixNode, set: PageSet): void;
  /** It no longer has, now that it has lost this one. */
  removed(node: PrefixNode, set: PageSet): void;
  /** A prefix has lost pages. */
  forgotten(node: PrefixNode, set: PageSet): void;
}

/**
 * Tracks which pages are used (named by a table entry), cached (unused, but still holding a named prefix) or free. It knows
 * neither sequences nor memory; references are counts.
 */
export class PageAllocator {
  readonly blocks: BlockPool;
  readonly #groups: readonly GroupRules[];
  /** Groups whose pages a prefix must have; in a cache without one, none. */
  readonly #full: readonly number[];
  readonly #windowed: readonly GroupRules[];
  /** Pages that no hit needs go before leaves. */
  readonly #needless: EvictionQueue<PageSet>;
  readonly #leaves: EvictionQueue<PrefixNode>;
  readonly #events: AllocatorEvents;
  /** By group: sets that are not free, and those of them that no one uses. */
  readonly #takenOf: number[];
  readonly #cachedOf: number[];

  constructor(
    blocks: number,
    groups: readonly GroupRules[],
    policy: EvictionPolicy,
    events: AllocatorEvents,
  ) {
    const perBlock = groups.flatMap((rules) => Array<number>(rules.runs).fill(rules.perBlock));
    this.blocks = new BlockPool(blocks, perBlock);
    this.#groups = groups;
    this.#takenOf = groups.map(() => 0);
    this.#cachedOf = groups.map(() => 0);
    this.#full = groups.filter(({ window }) => !window).map(({ group }) => group);
    this.#windowed = groups.filter(({ window }) => window);
    this.#needless = new EvictionQueue(policy);
    this.#leaves = new EvictionQueue(policy);
    this.#events = events;
  }

  /** Sets of pages in no block table that still hold a prefix. */
  get cached(): number {
    return this.#cachedOf.reduce((sum, count) => sum + count, 0);
  }

  /** Returns how many sets of pages of a group are in block tables or holds, and how many only hold a prefix. */
  setsOf(group: number): { used: number; cached: number } {
    const cached = this.#cachedOf[group]!;
    return { used: this.#takenOf[group]! - cached, cached };
  }

  /** Returns the memory that there would be if these sets, which are used, were not. */
  roomWithout(sets: readonly PageSet[]): Room {
    return this.blocks.roomWithout(
      sets.flatMap(({ group, pages }) => {
        const { firstRun } = this.#groups[group]!;
        return pages.map((page, i) => [firstRun + i, page] as const);
      }),
    );
  }

  /** Evicts candidates, first to last, until each run can take this many pages. */
  makeRoom(wanted: readonly number[]): void {
    const { blocks } = this;
    const before = blocks.free;
    while (blocksLacking(blocks.perBlock, wanted, blocks.freeRoom) > 0) this.#evict();
    blocks.queueFreed(before);
  }

  /** Takes free pages of a group, with one reference, to be overwritten. There must be some: see {@link makeRoom}. */
  take(group: number): PageSet {
    const { firstRun, runs } = this.#groups[group]!;
    const pages = Array.from({ length: runs }, (_, i) => this.blocks.take(firstRun + i));
    this.#takenOf[group]!++;
    return { group, pages, references: 1, node: undefined, lastUsed: 0, stamp: 0 };
  }

  retain(set: PageSet): void {
    if (set.references++ > 0) return;
    this.#eachPage(set, (run, page) => this.blocks.use(run, page));
    this.#uncache(set, set.node!);
  }

  /** Drops a reference. Returns whether the pages became free. */
  release(set: PageSet, now: number): boolean {
    if (--set.references > 0) return false;
    this.#eachPage(set, (run, page) => this.blocks.keep(run, page));
    const { node } = set;
    if (!node) {
      this.#free(set);
      return true;
    }
    set.lastUsed = now;
    this.#cachedOf[set.group]!++;
    if (node.cached++ === 0 && node.parent) node.parent.cachedChildren++;
    this.offer(node);
    return false;
  }

  /** Names full pages, which hold the tokens of `node`. */
  name(set: PageSet, node: PrefixNode): void {
    set.node = node;
    node.sets.push(set);
    node.origin.bytes += this.#groups[set.group]!.bytes;
    if (!node.isStored && this.#isStored(node)) {
      node.isStored = true;
      this.#store(node);
      this.#events.stored(node, set);
    }
    this.offer(node);
  }

  /** Takes the name of pages away, since their contents will change. */
  forget(set: PageSet): void {
    const { node } = set;
    if (!node) return;
    set.node = undefined;
    set.stamp++;
    node.sets.splice(node.sets.indexOf(set), 1);
    node.origin.bytes -= this.#groups[set.group]!.bytes;
    if (set.references === 0) this.#uncache(set, node);
    if (node.isStored && !this.#isStored(node)) {
      node.isStored = false;
      this.#unstore(node);
      this.#events.removed(node, set);
    }
    this.#events.forgotten(node, set);
  }

  /** Queues what may be evicted now of a node. Called whenever its pages, children or priority have changed. */
  offer(node: PrefixNode): void {
    for (const set of node.sets) {
      if (!this.#isNeedless(set)) continue;
      this.#needless.push(set, node.origin, this.#candidate(node, [set], set.group), set);
    }
    if (this.#isLeaf(node)) {
      const sets = node.sets.filter(({ references }) => references === 0);
      this.#leaves.push(node, node.origin, this.#candidate(node, sets, 'all'), sets[0]!);
    }
    const most = 2 * this.#takenOf.reduce((sum, count) => sum + count, 64);
    if (this.#needless.size > most) this.#needless.compact(this.#isNeedless);
    if (this.#leaves.size > most) this.#leaves.compact(this.#isLeaf);
  }

  /** Frees the pages of all prefixes of a tree, none of which is used, and returns them. */
  clear(nodes: Iterable<PrefixNode>): PageSet[] {
    const cleared: PageSet[] = [];
    for (const node of nodes) {
      // A save or load that waits for its store may still hold the node.
      for (const set of node.sets.splice(0)) {
        set.node = undefined;
        set.stamp++;
        cleared.push(set);
      }
      node.isStored = false;
      node.cached = 0;
      node.cachedChildren = 0;
      node.storedChildren = 0;
    }
    cleared.sort((a, b) => a.group - b.group || a.pages[0]! - b.pages[0]!);
    const before = this.blocks.free;
    for (const set of cleared) this.#free(set);
    this.blocks.queueFreed(before); // neighbours are taken in order
    this.#cachedOf.fill(0);
    return cleared;
  }

  #evict(): void {
    const set = this.#needless.pop(this.#isNeedless);
    if (set) return this.#give(set);
    const { sets } = this.#leaves.pop(this.#isLeaf)!;
    for (const one of sets.filter(({ references }) => references === 0)) this.#give(one);
  }

  #give(set: PageSet): void {
    this.forget(set);
    this.#free(set);
  }

  #free(set: PageSet): void {
    this.#eachPage(set, (run, page) => this.blocks.release(run, page));
    this.#takenOf[set.group]!--;
  }

  #eachPage({ group, pages }: PageSet, call: (run: number, page: number) => void): void {
    const { firstRun } = this.#groups[group]!;
    for (let i = 0; i < pages.length; i++) call(firstRun + i, pages[i]!);
  }

  #isStored(node: PrefixNode): boolean {
    for (const group of this.#full) if (!node.has(group)) return false;
    return node.sets.length > 0;
  }

  /** Counts a node that is stored now among the ends, in place of its parent. */
  #store(node: PrefixNode): void {
    const { parent } = node;
    const isParentNoEnd = parent!.storedChildren++ === 0 && parent!.isStored;
    if (node.storedChildren === 0) this.#see(node, 1);
    if (isParentNoEnd) this.#see(parent!, -1);
  }

  /** Inverts {@link PageAllocator.#store}. */
  #unstore(node: PrefixNode): void {
    const { parent } = node;
    const isParentEnd = --parent!.storedChildren === 0 && parent!.isStored;
    if (isParentEnd) this.#see(parent!, 1);
    if (node.storedChildren === 0) this.#see(node, -1);
  }

  /** Adds an end, or takes one away, at all pages that a query after it sees, except those that every query sees. */
  #see(end: PrefixNode, change: 1 | -1): void {
    for (const { group, window } of this.#windowed) {
      const first = unseenPages(window!, (end.depth + 1) * window!.pageSize).end;
      for (let node = end; node.depth >= first; node = node.parent!) {
        const seers = (node.seers[group] ?? 0) + change;
        node.seers[group] = seers;
        if (seers === 0) this.offer(node);
      }
    }
  }

  #uncache(set: PageSet, node: PrefixNode): void {
    set.stamp++;
    this.#cachedOf[set.group]!--;
    const { parent } = node;
    if (--node.cached === 0 && parent && --parent.cachedChildren === 0) this.offer(parent);
    else if (node.cached > 0) this.offer(node); // its bytes have changed
  }

  /** A second copy, or a page that no end sees. */
  readonly #isNeedless = ({ references, node, group }: PageSet): boolean => {
    if (references > 0 || !node) return false;
    const { sight } = this.#groups[group]!;
    if (sight && node.depth >= sight.first && (node.seers[group] ?? 0) === 0) return true;
    let copies = 0;
    for (const other of node.sets) if (other.group === group) copies++;
    return copies > 1;
  };

  readonly #isLeaf = (node: PrefixNode): boolean => node.cached > 0 && node.cachedChildren === 0;

  #candidate(
    { priority, depth, origin }: PrefixNode,
    sets: readonly PageSet[],
    group: number | 'all',
  ): EvictionCandidate {
    let [bytes, lastUsed] = [0, 0];
    for (const set of sets) {
      bytes += this.#groups[set.group]!.bytes;
      lastUsed = Math.max(lastUsed, set.lastUsed);
    }
    return { bytes, group, salt: origin.salt, priority, lastUsed, depth };
  }
}
