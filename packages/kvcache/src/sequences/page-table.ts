import { NULL_PAGE } from '../pages/block-pool.ts';
import type { GroupRules } from '../pages/group-rules.ts';
import type { PageSet } from '../pages/prefix-node.ts';

/** The pages of a sequence in one group of layers, in logical order, and a block table for each run of the group. */
export class PageTable {
  readonly rules: GroupRules;
  readonly runs: readonly BlockTable[];
  /** Undefined where a window has released the pages. */
  readonly #sets: (PageSet | undefined)[] = [];
  /** Below this index, every page outside the window has been released. */
  firstKept = 0;

  constructor(rules: GroupRules) {
    this.rules = rules;
    this.runs = Array.from({ length: rules.runs }, () => new BlockTable());
  }

  get length(): number {
    return this.#sets.length;
  }

  get sets(): readonly (PageSet | undefined)[] {
    return this.#sets;
  }

  at(index: number): PageSet | undefined {
    return this.#sets[index];
  }

  push(set: PageSet | undefined): void {
    this.#sets.push(set);
    this.runs.forEach((run, i) => run.push(set?.pages[i] ?? NULL_PAGE));
  }

  replace(index: number, set: PageSet | undefined): void {
    this.#sets[index] = set;
    this.runs.forEach((run, i) => run.replace(index, set?.pages[i] ?? NULL_PAGE));
  }

  pop(): PageSet | undefined {
    for (const run of this.runs) run.pop();
    return this.#sets.pop();
  }
}

const remembered = 8;

/** The physical pages of a sequence in one run of layers. It remembers recent changes, so that a copy is updated from the first on. */
export class BlockTable {
  #entries = new Int32Array(8);
  /** The index of each of the last changes, by version. */
  readonly #changes = new Int32Array(remembered);
  #length = 0;
  #version = 0;

  get length(): number {
    return this.#length;
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  /** The entries in use: a view that the next `push` may detach. */
  get entries(): Int32Array {
    return this.#entries.subarray(0, this.#length);
  }

  at(index: number): number {
    return this.#entries[index]!;
  }

  push(page: number): void {
    if (this.#length === this.#entries.length) {
      const grown = new Int32Array(2 * this.#length);
      grown.set(this.#entries);
      this.#entries = grown;
    }
    this.replace(this.#length++, page);
  }

  replace(index: number, page: number): void {
    this.#entries[index] = page;
    this.#changes[++this.#version % remembered] = index;
  }

  pop(): number {
    return this.#entries[--this.#length]!;
  }

  /** Returns an index below which no entry has changed since `version`. */
  changedSince(version: number): number {
    if (this.#version - version > remembered) return 0;
    let first = this.#length;
    for (let v = version + 1; v <= this.#version; v++) {
      first = Math.min(first, this.#changes[v % remembered]!);
    }
    return first;
  }
}
