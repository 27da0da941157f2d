import { type EvictionPolicy, EvictionQueue } from './eviction.ts';
import type { Sight } from './page-window.ts';
import type { PrefixNode } from './prefix-tree.ts';

/** Page 0, which is never allocated: table entries of released pages point to it. */
export const NULL_PAGE = 0;

/**
 * Tracks which pages are used (named by a table entry), cached (unused, but still holding a named prefix) or free. It knows
 * neither sequences nor memory; references are counts.
 */
export class PageAllocator {
  readonly pages: number;
  readonly #references: Uint32Array;
  readonly #nodes: (PrefixNode | undefined)[];
  readonly #lastUsed: Float64Array;
  /** Changes whenever a page's entry in the eviction queue becomes stale. */
  readonly #stamps: Uint32Array;
  readonly #free: number[];
  readonly #queue: EvictionQueue;
  readonly #sight: Sight | undefined;
  readonly #onForgotten: (node: PrefixNode, page: number) => void;
  #cached = 0;

  constructor(
    pages: number,
    policy: EvictionPolicy,
    sight: Sight | undefined,
    onForgotten: (node: PrefixNode, page: number) => void,
  ) {
    this.pages = pages;
    this.#references = new Uint32Array(pages + 1);
    this.#nodes = new Array<PrefixNode | undefined>(pages + 1).fill(undefined);
    this.#lastUsed = new Float64Array(pages + 1);
    this.#stamps = new Uint32Array(pages + 1);
    this.#free = Array.from({ length: pages }, (_, i) => pages - i);
    this.#queue = new EvictionQueue(policy);
    this.#sight = sight;
    this.#onForgotten = onForgotten;
  }

  get free(): number {
    return this.#free.length;
  }

  get cached(): number {
    return this.#cached;
  }

  get used(): number {
    return this.pages - this.free - this.cached;
  }

  /** Number of pages that `take` can allocate. */
  get available(): number {
    return this.free + this.cached;
  }

  references(page: number): number {
    return this.#references[page]!;
  }

  node(page: number): PrefixNode | undefined {
    return this.#nodes[page];
  }

  /** Allocates a page with one reference, to be overwritten: a free page, or else the policy's first candidate. */
  take(): number {
    const page = this.#free.pop() ?? this.#evict();
    this.#references[page] = 1;
    return page;
  }

  retain(page: number): void {
    if (page === NULL_PAGE) return;
    const before = this.#references[page]!;
    this.#references[page] = before + 1;
    if (before === 0) this.#uncache(page, this.#nodes[page]!);
  }

  /** Drops a reference. Returns whether the page became free. */
  release(page: number, now: number): boolean {
    if (page === NULL_PAGE) return false;
    const left = this.#references[page]! - 1;
    this.#references[page] = left;
    if (left > 0) return false;
    const node = this.#nodes[page];
    if (!node) {
      this.#free.push(page);
      return true;
    }
    this.#lastUsed[page] = now;
    this.#cached++;
    if (node.cached++ === 0 && node.parent) node.parent.cachedChildren++;
    this.offer(node);
    return false;
  }

  /** Names a full page, which holds the tokens of `node`. */
  name(page: number, node: PrefixNode): void {
    this.#nodes[page] = node;
    if (node.pages.push(page) === 1) this.#pass(node, 1);
    this.offer(node);
  }

  /** Takes a page's name away, since its contents will change. */
  forget(page: number): void {
    const node = this.#nodes[page];
    if (!node) return;
    this.#nodes[page] = undefined;
    node.pages.splice(node.pages.indexOf(page), 1);
    if (node.pages.length === 0) this.#pass(node, -1);
    if (this.#references[page] === 0) this.#uncache(page, node);
    this.#onForgotten(node, page);
  }

  /** Queues the pages of a node that may be evicted now. Called whenever its pages, children or priority have changed. */
  offer(node: PrefixNode): void {
    for (const page of node.pages) {
      if (!this.#isCandidate(page)) continue;
      const stamp = this.#stamps[page]! + 1;
      this.#stamps[page] = stamp;
      const lastUsed = this.#lastUsed[page]!;
      this.#queue.push({ page, stamp, priority: node.priority, lastUsed, depth: node.depth });
    }
    if (this.#queue.size > 2 * this.pages + 64) this.#queue.compact(this.#holds);
  }

  /** Frees all cached pages and returns them. */
  clear(): number[] {
    const cleared: number[] = [];
    for (let page = 1; page <= this.pages; page++) {
      const node = this.#nodes[page];
      if (this.#references[page] !== 0 || !node) continue;
      // A save or load that waits for its store may still hold the node.
      node.pages.length = 0;
      this.#nodes[page] = undefined;
      this.#stamps[page] = this.#stamps[page]! + 1;
      cleared.push(page);
    }
    // The first page is taken next, so that neighbours are taken in order.
    for (const page of cleared.toReversed()) this.#free.push(page);
    this.#cached = 0;
    return cleared;
  }

  #evict(): number {
    const { page } = this.#queue.pop(this.#holds)!;
    this.forget(page);
    return page;
  }

  /** Counts `node` in or out at the ancestor that it is the first not to see. */
  #pass(node: PrefixNode, change: 1 | -1): void {
    if (!this.#sight) return;
    let passed: PrefixNode | undefined = node;
    for (let i = 0; passed && i < this.#sight.pages; i++) passed = passed.parent;
    if (!passed || passed.depth < this.#sight.first) return;
    passed.passed += change;
    if (change === 1 && passed.passed === 1) this.offer(passed);
  }

  #uncache(page: number, node: PrefixNode): void {
    this.#stamps[page] = this.#stamps[page]! + 1;
    this.#cached--;
    const { parent } = node;
    if (--node.cached === 0 && parent && --parent.cachedChildren === 0) this.offer(parent);
  }

  // A leaf, a second copy, or a page that a window has passed.
  #isCandidate(page: number): boolean {
    const node = this.#nodes[page];
    if (!node || this.#references[page] !== 0) return false;
    return node.cachedChildren === 0 || node.pages.length > 1 || node.passed > 0;
  }

  readonly #holds = (entry: { page: number; stamp: number }): boolean =>
    this.#stamps[entry.page] === entry.stamp && this.#isCandidate(entry.page);
}
