import type { EvictionCandidate, EvictionPolicy } from './eviction.ts';
import type { PageSet, PrefixNode } from './prefix-node.ts';

/** A candidate: one set of pages, or all unused sets of a leaf. */
export interface Entry<Of extends PageSet | PrefixNode> extends EvictionCandidate {
  readonly of: Of;
  /** The stamp of its set or node when it was queued. If that has changed since, the entry is stale. */
  readonly stamp: number;
  /** Its first pages, which decide between candidates that are equal in all else. */
  readonly first: PageSet;
}

/** Candidates in the order of a policy: a binary heap. Stale entries are dropped when they reach the top. */
export class CandidateHeap<Of extends PageSet | PrefixNode> {
  readonly #policy: EvictionPolicy;
  #heap: Entry<Of>[] = [];

  constructor(policy: EvictionPolicy) {
    this.#policy = policy;
  }

  get size(): number {
    return this.#heap.length;
  }

  push(entry: Entry<Of>): void {
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

  /** Removes and returns the first candidate that may be evicted, and drops the stale entries before it. */
  pop(isCandidate: (of: Of) => boolean): Of | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      this.#removeFirst();
      if (first.of.stamp === first.stamp && isCandidate(first.of)) return first.of;
    }
  }

  /** Drops all stale entries. */
  compact(isCandidate: (of: Of) => boolean): void {
    this.#heap = this.#heap
      .filter(({ of, stamp }) => of.stamp === stamp && isCandidate(of))
      .toSorted((a, b) => this.#order(a, b));
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

  #order(a: Entry<Of>, b: Entry<Of>): number {
    const [x, y] = [a.first, b.first];
    const order = this.#policy.compare(a, b) || b.depth - a.depth;
    return order || x.pages[0]! - y.pages[0]! || x.group - y.group;
  }
}
