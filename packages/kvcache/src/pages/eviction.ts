/** A page that nobody uses and that may be given up: its name is lost and its memory reused. */
export interface EvictionCandidate {
  readonly page: number;
  /** The highest `priority` of the sequences that committed or matched it; 0 by default. */
  readonly priority: number;
  /** When it was last in use, and within the window if there is one: a number that grows with every call that releases pages. */
  readonly lastUsed: number;
  /** Full pages before it in its prefix. */
  readonly depth: number;
}

/**
 * Which cached page goes first when memory is needed. Only such pages are offered as cost least: those whose cached
 * continuations are gone already, second copies, and with a window those that a continuation no longer sees. Of two that compare
 * equal the deeper one goes.
 *
 * @example
 * const smallestPrefixFirst: EvictionPolicy = { name: 'depth', compare: (a, b) => a.depth - b.depth };
 */
export interface EvictionPolicy {
  readonly name: string;
  /** Negative when `a` is to go before `b`. Depends on nothing but its arguments. */
  compare(a: EvictionCandidate, b: EvictionCandidate): number;
}

/**
 * Least recently used first. The default. Source: vLLM's free-block queue; SGLang's radix cache.
 *
 * @example
 * const recent = await PagedKvCache.create(gpu, { ...options, eviction: lru });
 */
export const lru: EvictionPolicy = {
  name: 'lru',
  compare: (a, b) => a.lastUsed - b.lastUsed,
};

/**
 * Lowest `priority` of `open` first; least recently used among equals. Source: TensorRT-LLM's prioritised LRU.
 *
 * @example
 * const dear = await PagedKvCache.create(gpu, { ...options, eviction: priority });
 */
export const priority: EvictionPolicy = {
  name: 'priority',
  compare: (a, b) => a.priority - b.priority || lru.compare(a, b),
};

interface Entry extends EvictionCandidate {
  /** The page's state when it was offered; another one now means that the entry is out of date. */
  readonly stamp: number;
}

/** Candidates in the order of a policy: a binary heap whose entries of the past are passed over when they come up. */
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

  /** The first entry that still holds, taken out; those before it that do not are dropped. */
  pop(holds: (entry: Entry) => boolean): Entry | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      this.#removeFirst();
      if (holds(first)) return first;
    }
  }

  /** Drops the entries that no longer hold. */
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
