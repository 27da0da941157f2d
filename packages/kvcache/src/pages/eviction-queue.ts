import { CandidateHeap } from './candidate-heap.ts';
import type { EvictionCandidate, EvictionPolicy } from './eviction.ts';
import type { PageSet, PrefixNode, PrefixOrigin } from './prefix-node.ts';

/** Candidates in the order of a policy; with a share for each salt, those of salts that hold more come first. */
export class EvictionQueue<Of extends PageSet | PrefixNode> {
  readonly #policy: EvictionPolicy;
  readonly #all: CandidateHeap<Of>;
  /** Only with a share. */
  readonly #bySalt = new Map<PrefixOrigin, CandidateHeap<Of>>();

  constructor(policy: EvictionPolicy) {
    this.#policy = policy;
    this.#all = new CandidateHeap(policy);
  }

  get size(): number {
    return this.#all.size;
  }

  /** Adds a candidate; its earlier entry, if there is one, becomes stale. */
  push(of: Of, origin: PrefixOrigin, candidate: EvictionCandidate, first: PageSet): void {
    const entry = { ...candidate, of, stamp: ++of.stamp, first };
    this.#all.push(entry);
    if (this.#policy.bytesPerSalt === undefined) return;
    const own = this.#bySalt.get(origin) ?? new CandidateHeap<Of>(this.#policy);
    this.#bySalt.set(origin, own);
    own.push(entry);
  }

  /** Removes and returns the first candidate that may be evicted. */
  pop(isCandidate: (of: Of) => boolean): Of | undefined {
    const { bytesPerSalt } = this.#policy;
    if (bytesPerSalt !== undefined) {
      const over = [...this.#bySalt].filter(([{ bytes }]) => bytes > bytesPerSalt);
      for (const [origin, own] of over.toSorted(([a], [b]) => largestFirst(a, b))) {
        const first = own.pop(isCandidate);
        if (first) return first;
        this.#bySalt.delete(origin);
      }
    }
    return this.#all.pop(isCandidate);
  }

  /** Drops all stale entries. */
  compact(isCandidate: (of: Of) => boolean): void {
    this.#all.compact(isCandidate);
    for (const [origin, own] of this.#bySalt) {
      own.compact(isCandidate);
      if (own.size === 0) this.#bySalt.delete(origin);
    }
  }
}

const largestFirst = (a: PrefixOrigin, b: PrefixOrigin): number =>
  b.bytes - a.bytes || (a.salt < b.salt ? -1 : 1);
