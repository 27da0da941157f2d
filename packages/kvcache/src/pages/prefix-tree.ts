import { type PageName, pageName } from './page-name.ts';
import { unseenPages, type WindowRule } from './page-window.ts';

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

const noTokens = new Uint32Array(0);

/** All prefixes that have a page, or had one that something else continues: trees of full pages, a root for each salt. */
export class PrefixTree {
  readonly pageSize: number;
  readonly #roots = new Map<PageName, PrefixNode>();
  readonly #index = new Map<number, PrefixNode>();

  constructor(pageSize: number) {
    this.pageSize = pageSize;
  }

  /** The start of all prefixes with one salt, by the name that stands for it. */
  root(name: PageName): PrefixNode {
    const known = this.#roots.get(name);
    if (known) return known;
    const root = new PrefixNode(name, noTokens, Number.parseInt(name.slice(0, 8), 16));
    this.#roots.set(name, root);
    return root;
  }

  /** The node of `tokens[start] … tokens[start + pageSize − 1]` after `parent`. */
  find(parent: PrefixNode, tokens: ArrayLike<number>, start: number): PrefixNode | undefined {
    const key = chainKey(parent.key, tokens, start, this.pageSize);
    for (let node = this.#index.get(key); node; node = node.sibling) {
      if (node.parent === parent && sameTokens(node.tokens, tokens, start)) return node;
    }
    return undefined;
  }

  /** As {@link find}; made where there is none. */
  insert(parent: PrefixNode, tokens: ArrayLike<number>, start: number): PrefixNode {
    const known = this.find(parent, tokens, start);
    if (known) return known;
    const own = Uint32Array.from({ length: this.pageSize }, (_, i) => tokens[start + i]!);
    const key = chainKey(parent.key, own, 0, this.pageSize);
    const node = new PrefixNode(parent, own, key);
    node.sibling = this.#index.get(key);
    this.#index.set(key, node);
    parent.children++;
    return node;
  }

  /** Forgets a node that nothing needs any more, and the ancestors that it kept. */
  prune(node: PrefixNode): void {
    let at: PrefixNode | undefined = node;
    while (at && at.pages.length === 0 && at.children === 0 && at.holders === 0) {
      const parent: PrefixNode | undefined = at.parent;
      if (parent) {
        this.#unlink(at);
        parent.children--;
      } else {
        this.#roots.delete(at.name);
      }
      at = parent;
    }
  }

  *nodes(): Generator<PrefixNode> {
    for (const first of this.#index.values()) {
      for (let node: PrefixNode | undefined = first; node; node = node.sibling) yield node;
    }
  }

  #unlink(node: PrefixNode): void {
    const first = this.#index.get(node.key)!;
    if (first === node) {
      if (node.sibling) this.#index.set(node.key, node.sibling);
      else this.#index.delete(node.key);
      return;
    }
    let before = first;
    while (before.sibling !== node) before = before.sibling!;
    before.sibling = node.sibling;
  }
}

function sameTokens(own: Uint32Array, tokens: ArrayLike<number>, start: number): boolean {
  for (let i = 0; i < own.length; i++) if (own[i] !== tokens[start + i]) return false;
  return true;
}

// Only spreads nodes over the index, where equal keys are told apart by their tokens; names are SHA-256.
const mix = (key: number, word: number): number => {
  const x = Math.imul(key ^ word, 0x9e3779b1);
  return x ^ (x >>> 15);
};

function chainKey(parent: number, tokens: ArrayLike<number>, start: number, count: number): number {
  let key = mix(parent, 0x5bd1e995);
  for (let i = 0; i < count; i++) key = mix(key, tokens[start + i]!);
  return key;
}

/**
 * The longest cached run of full pages, at most `tokens.length − 1` tokens: the last token has to be computed for what follows
 * from it. Without a window every page must be there. With one, only the pages that a query after the run can see:
 * the others may have been given up.
 *
 * Source: vLLM `get_computed_blocks`; for windows its sliding-window manager.
 */
export function matchPrefix(
  tree: PrefixTree,
  root: PrefixNode,
  tokens: ArrayLike<number>,
  rule: WindowRule | undefined,
): PrefixNode[] {
  const { pageSize } = tree;
  const path: PrefixNode[] = [];
  let matched = 0;
  let node: PrefixNode | undefined = root;
  for (let end = pageSize; end < tokens.length; end += pageSize) {
    node = tree.find(node, tokens, end - pageSize);
    if (!node) break;
    path.push(node);
    if (isSeen(path, rule)) matched = path.length;
    else if (!rule) break;
  }
  return path.slice(0, matched);
}

/** Whether each page of the path that a query after it can see is there. */
function isSeen(path: readonly PrefixNode[], rule: WindowRule | undefined): boolean {
  if (!rule) return path.at(-1)!.pages.length > 0;
  const unseen = unseenPages(rule, path.length * rule.pageSize);
  for (let i = 0; i < path.length; i++) {
    if (i >= unseen.first && i < unseen.end) {
      i = unseen.end - 1;
      continue;
    }
    if (path[i]!.pages.length === 0) return false;
  }
  return true;
}
