/** A cached page that may be evicted: it loses its name, and its memory is reused. */
export interface EvictionCandidate {
  readonly page: number;
  /** Highest `priority` of the sequences that committed or found it; default 0. */
  readonly priority: number;
  /** Time of its last use, within the window if the cache has one: a counter that grows with every call that releases pages. */
  readonly lastUsed: number;
  /** Full pages before it in its prefix. */
  readonly depth: number;
}

/**
 * Order in which cached pages are evicted when memory is needed. Candidates are only pages that are cheap to lose: leaves, whose
 * cached continuations are gone; second copies; and, with a window, pages that their continuations no longer see. Of two equal
 * candidates, the deeper one is evicted.
 *
 * @example
 * const smallestPrefixFirst: EvictionPolicy = { name: 'depth', compare: (a, b) => a.depth - b.depth };
 */
export interface EvictionPolicy {
  readonly name: string;
  /** Returns a negative number when `a` is evicted before `b`. Must depend on its arguments only. */
  compare(a: EvictionCandidate, b: EvictionCandidate): number;
}

/**
 * Evicts the least recently used page first. The default. Source: vLLM's free-block queue; SGLang's radix cache.
 *
 * @example
 * const recent = await PagedKvCache.create(gpu, { ...options, eviction: lru });
 */
export const lru: EvictionPolicy = {
  name: 'lru',
  compare: (a, b) => a.lastUsed - b.lastUsed,
};

/**
 * Evicts the lowest `priority` of `open` first, and the least recently used page among equals. Source: TensorRT-LLM's prioritised LRU.
 *
 * @example
 * const prioritised = await PagedKvCache.create(gpu, { ...options, eviction: priority });
 */
export const priority: EvictionPolicy = {
  name: 'priority',
  compare: (a, b) => a.priority - b.priority || lru.compare(a, b),
};

interface Entry extends EvictionCandidate {
  /** The page's stamp when it was queued. If the page's stamp has changed since, the entry is stale. */
  readonly stamp: number;
}

/** Candidates in the order of a policy: a binary heap. Stale entries are dropped when they reach the top. */
export class EvictionQueue {
  readonly #policy: EvictionPolicy;
  #heap: Entry[] = [];

  constructor(policy: EvictionPolicy) {
    this.#policy = policy;
  }

  get size(): number {
    return this.#heap.length;
  }

  push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#order(heap[parent]!, entry) <= 0) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Removes and returns the first entry for which `holds`, and drops the stale entries before it. */
  pop(holds: (entry: Entry) => boolean): Entry | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      this.#removeFirst();
      if (holds(first)) return first;
    }
  }

  /** Drops all stale entries. */
  compact(holds: (entry: Entry) => boolean): void {
    const kept = this.#heap.filter(holds);
    this.#heap = [];
    for (const entry of kept) this.push(entry);
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#order(heap[child + 1]!, heap[child]!) < 0) child++;
      if (this.#order(last, heap[child]!) <= 0) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }

  #order(a: Entry, b: Entry): number {
    return this.#policy.compare(a, b) || b.depth - a.depth || a.page - b.page;
  }
}
