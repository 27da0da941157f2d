import { type PageName, pageName } from './page-name.ts';
import { unseenPages, type WindowRule } from './page-window.ts';

/**
 * One full page of tokens after a prefix. It stands for tokens, not for memory: `pages` lists the physical pages that hold them.
 * The list is empty if all were evicted while a continuation is still cached.
 */
export class PrefixNode {
  readonly parent: PrefixNode | undefined;
  readonly tokens: Uint32Array;
  /** Full pages before it; −1 for a root. */
  readonly depth: number;
  /** Key in the tree's index: a hash of the whole prefix. */
  readonly key: number;
  /** The next node with the same key. */
  sibling: PrefixNode | undefined;
  readonly pages: number[] = [];
  /** Number of `pages` that no sequence uses. */
  cached = 0;
  children = 0;
  /** Number of children that have a cached page. */
  cachedChildren = 0;
  /** With a window: number of nodes with a page that are the first not to see this one. */
  passed = 0;
  /** Number of sequences whose last committed full page this is. */
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

  // Nearest first. This is a loop, since a chain may be longer than the call stack.
  #unnamedAncestors(): PrefixNode[] {
    const ancestors: PrefixNode[] = [];
    for (let node = this.parent; node && node.#name === undefined; node = node.parent) {
      ancestors.push(node);
    }
    return ancestors;
  }
}

const noTokens = new Uint32Array(0);

/** All prefixes that have a page or a cached continuation, as trees of full pages with one root per salt. */
export class PrefixTree {
  readonly pageSize: number;
  readonly #roots = new Map<PageName, PrefixNode>();
  readonly #index = new Map<number, PrefixNode>();

  constructor(pageSize: number) {
    this.pageSize = pageSize;
  }

  /** Returns the root of all prefixes with one salt; `name` is the salt's name. */
  root(name: PageName): PrefixNode {
    const known = this.#roots.get(name);
    if (known) return known;
    const root = new PrefixNode(name, noTokens, Number.parseInt(name.slice(0, 8), 16));
    this.#roots.set(name, root);
    return root;
  }

  /** Returns the node of `tokens[start] … tokens[start + pageSize − 1]` after `parent`. */
  find(parent: PrefixNode, tokens: ArrayLike<number>, start: number): PrefixNode | undefined {
    const key = chainKey(parent.key, tokens, start, this.pageSize);
    for (let node = this.#index.get(key); node; node = node.sibling) {
      if (node.parent === parent && sameTokens(node.tokens, tokens, start)) return node;
    }
    return undefined;
  }

  /** Like {@link find}, but creates a missing node. */
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

  /** Removes a node that has neither pages, children nor holders, then each ancestor of which the same is now true. */
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

  /** Returns the nodes that have a page, parents before their continuations. */
  named(): PrefixNode[] {
    const named: PrefixNode[] = [];
    for (const node of this.nodes()) if (node.pages.length > 0) named.push(node);
    return named.toSorted((a, b) => a.depth - b.depth);
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

// Spreads nodes over the index. Nodes with equal keys are compared by their tokens; names are SHA-256.
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
 * Returns the longest cached run of full pages, at most `tokens.length − 1` tokens: the last token must be computed, because the
 * next one is predicted from it. Without a window, every page must be cached. With one, only the pages that a query after the run
 * can see.
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

/** Returns whether every page of the path that a query after it can see is cached. */
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
