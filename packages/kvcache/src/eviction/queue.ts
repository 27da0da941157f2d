import type { EvictionCandidate, EvictionPolicy } from './policy.ts';

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
