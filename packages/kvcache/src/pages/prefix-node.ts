import { type PageName, pageName } from './page-name.ts';

/** Memory for `pageSize` tokens of one sequence in one group of layers: a page in each of the group's runs. */
export interface PageSet {
  readonly group: number;
  /** Page ids, one for each run of the group. */
  readonly pages: readonly number[];
  /** Table entries and holds that have it. */
  references: number;
  /** The prefix whose last tokens it holds, if they were committed. */
  node: PrefixNode | undefined;
  /** Time of its last use: a counter that grows with every call that releases pages. */
  lastUsed: number;
  /** Changes whenever its entry in the eviction queue becomes stale. */
  stamp: number;
}

/** What all prefixes of one salt share. */
export interface PrefixOrigin {
  /** The salt, or its name while no `open` has told it. */
  salt: string;
  /** Bytes of its named pages. */
  bytes: number;
}

/**
 * One full page of tokens after a prefix. It stands for tokens, not for memory: `sets` lists the pages that hold them, of all groups.
 * The list is empty if all were evicted while a continuation is still cached.
 */
export class PrefixNode {
  readonly parent: PrefixNode | undefined;
  readonly origin: PrefixOrigin;
  readonly tokens: Uint32Array;
  /** Full pages before it; −1 for a root. */
  readonly depth: number;
  /** Key in the tree's index: a hash of the whole prefix. */
  readonly key: number;
  /** The next node with the same key. */
  sibling: PrefixNode | undefined;
  readonly sets: PageSet[] = [];
  /** Whether it has a page in every group without a window; in a cache without such a group, in any. */
  isStored = false;
  /** Number of `sets` that no sequence uses. */
  cached = 0;
  children = 0;
  /** Number of children that have an unused set. */
  cachedChildren = 0;
  /** Number of children that are stored. */
  storedChildren = 0;
  /** By windowed group: number of ends (stored nodes without stored children) whose next query sees this page. */
  readonly seers: number[] = [];
  /** Number of sequences whose last committed full page this is. */
  holders = 0;
  priority: number = -Infinity;
  /** Changes whenever its entry in the eviction queue becomes stale. */
  stamp = 0;
  #name: PageName | undefined;

  constructor(parent: PrefixNode | PageName, tokens: Uint32Array, key: number) {
    const isRoot = typeof parent === 'string';
    this.parent = isRoot ? undefined : parent;
    this.origin = isRoot ? { salt: parent, bytes: 0 } : parent.origin;
    this.tokens = tokens;
    this.key = key;
    this.depth = isRoot ? -1 : parent.depth + 1;
    if (isRoot) this.#name = parent;
  }

  /** The page's name in every cache: a hash of all tokens up to its end, and of the salt. Computed on first use. */
  get name(): PageName {
    if (this.#name === undefined) {
      const above = this.#unnamedAncestors();
      let name = (above.at(-1) ?? this).parent!.name;
      for (const node of [...above.toReversed(), this]) {
        name = node.#name = pageName(name, node.tokens);
      }
    }
    return this.#name!;
  }

  /** Returns its pages in a group: those in use, if there are any, else the first. */
  best(group: number): PageSet | undefined {
    let best: PageSet | undefined;
    for (const set of this.sets) {
      if (set.group !== group) continue;
      if (set.references > 0) return set;
      best ??= set;
    }
    return best;
  }

  /** Returns whether it has pages in a group. */
  has(group: number): boolean {
    for (const set of this.sets) if (set.group === group) return true;
    return false;
  }

  // Nearest first. This is a loop, since a chain may be longer than the call stack.
  #unnamedAncestors(): PrefixNode[] {
    const ancestors: PrefixNode[] = [];
    for (let node = this.parent; node && node.#name === undefined; node = node.parent) {
      ancestors.push(node);
    }
    return ancestors;
  }
}
