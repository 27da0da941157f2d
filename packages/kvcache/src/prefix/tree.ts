import { PrefixNode } from './node.ts';
import type { PageName } from './page-name.ts';

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
