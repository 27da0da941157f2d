import type { PageName } from '../pages/page-name.ts';
import type { PrefixNode } from '../pages/prefix-node.ts';
import type { PrefixTree } from '../pages/prefix-tree.ts';
import type { CacheCore } from './cache-core.ts';

/** The prefixes of a cache by name, during a load. It holds them, so that none is pruned while the store is busy. */
export class LoadedNodes {
  readonly #core: CacheCore;
  readonly #nodes = new Map<PageName, PrefixNode>();
  /** The tree of the nodes. `clear()` replaces the cache's tree. */
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

  /** Returns the parent of a page of this depth. The parent of a first page is a root, whatever the salt. */
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
