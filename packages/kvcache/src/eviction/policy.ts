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
