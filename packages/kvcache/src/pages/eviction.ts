import { fail, show } from '@heed/core/kernel';

/** Cached pages that may be evicted together: they lose their name, and their memory is reused. */
export interface EvictionCandidate {
  /** Bytes of these pages in all layers. */
  readonly bytes: number;
  /** The group of layers whose pages these are; 'all' for all pages of a leaf. */
  readonly group: number | 'all';
  /** The salt of their prefix; its name, if a store brought the prefix and no `open` has named the salt yet. */
  readonly salt: string;
  /** Highest `priority` of the sequences that committed or found it; default 0. */
  readonly priority: number;
  /** Time of its last use, within the window if the group has one: a counter that grows with every call that releases pages. */
  readonly lastUsed: number;
  /** Full pages before it in its prefix. */
  readonly depth: number;
}

/**
 * Order in which cached pages are evicted when memory is needed. First go pages that no hit needs: second copies, and in groups with
 * a window pages that no cached end sees any more. Then go leaves, whose cached continuations are gone, with their pages of all
 * groups. Of two equal candidates, the deeper one is evicted.
 *
 * @example
 * const smallestPrefixFirst: EvictionPolicy = { name: 'depth', compare: (a, b) => a.depth - b.depth };
 */
export interface EvictionPolicy {
  readonly name: string;
  /** If given, pages of salts whose prefixes take more bytes than this, used or cached, go first: those of the largest salt. */
  readonly bytesPerSalt?: number;
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

/**
 * Evicts the pages of salts that hold more than their share first, so that no tenant crowds out the others: of the salt with the most
 * bytes, and within it the least recently used page. While all keep to their share, it is `lru`.
 *
 * @param bytesPerSalt bytes of findable pages that a salt may hold, over all layers
 * @throws ValidationError not a number from 0 on
 *
 * @example
 * const fair = await PagedKvCache.create(gpu, { ...options, eviction: fairShare(2 ** 28) });
 */
export function fairShare(bytesPerSalt: number): EvictionPolicy {
  if (typeof bytesPerSalt !== 'number' || !(bytesPerSalt >= 0)) {
    const fix = 'Pass the bytes that the prefixes of one salt may take.';
    fail('fairShare', 'bytesPerSalt must be a number from 0 on', show(bytesPerSalt), fix);
  }
  return { name: 'fairShare', bytesPerSalt, compare: lru.compare };
}
