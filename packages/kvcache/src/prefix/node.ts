import { pageName, type PageName } from './page-name.ts';

/**
 * One full page of tokens after a prefix. It stands for the tokens, not for memory: `pages` are the physical pages that hold
 * it, none when all were given up while something that continues it lives on.
 */
export class PrefixNode {
  readonly parent: PrefixNode | undefined;
  readonly tokens: Uint32Array;
  /** Full pages before it; −1 for a root. */
  readonly depth: number;
  /** Where the tree's index keeps it: a hash of the whole prefix. */
  readonly key: number;
  /** The next node with the same key. */
  sibling: PrefixNode | undefined;
  readonly pages: number[] = [];
  /** How many of `pages` nobody uses. */
  cached = 0;
  children = 0;
  /** How many children have a cached page. */
  cachedChildren = 0;
  /** With a window: how many of the nodes that are the first not to see it have a page. */
  passed = 0;
  /** Sequences whose last committed full page this is. */
  holders = 0;
  priority: number = -Infinity;
  #name: PageName | undefined;

  constructor(parent: PrefixNode | PageName, tokens: Uint32Array, key: number) {
    const isRoot = typeof parent === 'string';
    this.parent = isRoot ? undefined : parent;
    this.tokens = tokens;
    this.key = key;
    this.depth = isRoot ? -1 : parent.depth + 1;
    if (isRoot) this.#name = parent;
  }

  /** The page's name everywhere: a hash of all tokens up to its end, and of the salt. Made when first asked for. */
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

  // Nearest first. A chain may be longer than a stack is deep.
  #unnamedAncestors(): PrefixNode[] {
    const ancestors: PrefixNode[] = [];
    for (let node = this.parent; node && node.#name === undefined; node = node.parent) {
      ancestors.push(node);
    }
    return ancestors;
  }
}
