import type { CacheCore } from '../core.ts';
import type { PrefixNode } from '../prefix/node.ts';
import type { PageName } from '../prefix/page-name.ts';
import type { PrefixTree } from '../prefix/tree.ts';

/** The prefixes of a cache by name while pages are loaded. It holds them, so that none goes while the store is waited for. */
export class LoadedNodes {
  readonly #core: CacheCore;
  readonly #nodes = new Map<PageName, PrefixNode>();
  /** That of the nodes: `clear()` gives the cache another. */
  #tree: PrefixTree;

  constructor(core: CacheCore) {
    this.#core = core;
    this.#tree = core.ledger.tree;
    for (const node of this.#tree.nodes()) this.add(node);
  }

  add(node: PrefixNode): void {
    if (this.#nodes.has(node.name)) return;
    node.holders++;
    this.#nodes.set(node.name, node);
  }

  /** The node that a page of this depth goes on from. A first page's parent is a root, whatever the salt. */
  parent(name: PageName, depth: number): PrefixNode | undefined {
    this.#forgetCleared();
    return depth === 0 ? this.#tree.root(name) : this.#nodes.get(name);
  }

  release(): void {
    this.#forgetCleared();
    for (const node of this.#nodes.values()) {
      node.holders--;
      this.#tree.prune(node);
    }
    this.#nodes.clear();
  }

  #forgetCleared(): void {
    const { tree } = this.#core.ledger;
    if (tree === this.#tree) return;
    this.#nodes.clear();
    this.#tree = tree;
  }
}
