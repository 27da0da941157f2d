import type { PageName } from './page-name.ts';
import { PrefixNode } from './prefix-node.ts';

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
  root(name: PageName, salt?: string): PrefixNode {
    let root = this.#roots.get(name);
    if (!root) {
      root = new PrefixNode(name, noTokens, Number.parseInt(name.slice(0, 8), 16));
      this.#roots.set(name, root);
    }
    if (salt !== undefined) root.origin.salt = salt;
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
    while (at && at.sets.length === 0 && at.children === 0 && at.holders === 0) {
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

  /** Returns the nodes that are stored, parents before their continuations. */
  stored(): PrefixNode[] {
    const stored: PrefixNode[] = [];
    for (const node of this.nodes()) if (node.isStored) stored.push(node);
    return stored.toSorted((a, b) => a.depth - b.depth);
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
