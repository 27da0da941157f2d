import type { CacheCore } from '../core.ts';
import type { PrefixNode } from '../prefix/node.ts';
import type { PageName } from '../prefix/page-name.ts';

/** The prefixes of a cache by name while pages are loaded. It holds them, so that none goes while the store is waited for. */
export class LoadedNodes {
  readonly #core: CacheCore;
  readonly #nodes = new Map<PageName, PrefixNode>();

  constructor(core: CacheCore) {
    this.#core = core;
    for (const node of core.ledger.tree.nodes()) this.add(node);
  }

  add(node: PrefixNode): void {
    if (this.#nodes.has(node.name)) return;
    node.holders++;
    this.#nodes.set(node.name, node);
  }

  /** The node that a page of this depth goes on from. A first page's parent is a root, whatever the salt. */
  parent(name: PageName, depth: number): PrefixNode | undefined {
    return depth === 0 ? this.#core.ledger.tree.root(name) : this.#nodes.get(name);
  }

  release(): void {
    for (const node of this.#nodes.values()) {
      node.holders--;
      this.#core.ledger.tree.prune(node);
    }
    this.#nodes.clear();
  }
}
