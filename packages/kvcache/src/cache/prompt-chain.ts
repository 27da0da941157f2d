import { pageDigest, type PageName, rootDigest, toHex } from '../pages/page-name.ts';
import { unseenPages } from '../pages/page-window.ts';
import type { PageSet, PrefixNode } from '../pages/prefix-node.ts';
import type { PrefixTree } from '../pages/prefix-tree.ts';
import { sha256 } from '../pages/sha256.ts';
import type { PageHold } from '../sequences/ledger.ts';
import type { CacheCore } from './cache-core.ts';

/**
 * The full pages of a prompt: their names, and the nodes of those that the cache knows. All of its pages that the cache has, and
 * those that a load adds, are held.
 */
export class PromptChain {
  readonly hold: PageHold;
  /** Pages that `open` may find for this prompt: at most all tokens but one. */
  readonly most: number;
  /** Full pages. */
  readonly count: number;
  readonly #core: CacheCore;
  readonly #tree: PrefixTree;
  readonly #tokens: Uint32Array;
  readonly #root: PrefixNode;
  /** Digests of names: of the root, then of each page. */
  readonly #digests: Uint8Array[];
  readonly #path: PrefixNode[] = [];
  /** By group: nodes whose pages are held. */
  readonly #held: readonly Set<PrefixNode>[];
  /** Keeps the path in the tree while the store is busy. */
  #end: PrefixNode;
  #isClosed = false;

  constructor(core: CacheCore, tokens: Uint32Array, salt: string) {
    const { pageSize } = core.layout;
    this.#core = core;
    this.#tree = core.ledger.tree;
    this.#tokens = tokens;
    this.count = Math.floor(tokens.length / pageSize);
    this.most = Math.max(0, Math.ceil(tokens.length / pageSize) - 1);
    this.#digests = [rootDigest(salt, sha256)];
    this.#root = this.#tree.root(this.nameBefore(0));
    this.#end = this.#root;
    this.#end.holders++;
    this.hold = core.ledger.hold();
    this.#held = core.layout.groups.map(() => new Set());
    let node: PrefixNode | undefined = this.#root;
    for (let i = 0; i < this.count; i++) {
      node = this.#tree.find(node, tokens, i * pageSize);
      if (!node) break;
      this.seen(node);
    }
    this.#moveEnd();
  }

  /** Whether `clear()` has forgotten the chain. */
  get isCleared(): boolean {
    return this.#core.ledger.tree !== this.#tree;
  }

  /** Returns the name of the page before page i: of the root for the first. */
  nameBefore(i: number): PageName {
    const { pageSize } = this.#core.layout;
    for (let at = this.#digests.length; at <= i; at++) {
      const start = (at - 1) * pageSize;
      this.#digests.push(pageDigest(this.#digests[at - 1]!, this.#tokens, start, pageSize, sha256));
    }
    return toHex(this.#digests[i]!);
  }

  /** Returns the tokens of pages `start` to `end − 1`. */
  tokensOf(start: number, end: number): Uint32Array {
    const { pageSize } = this.#core.layout;
    return this.#tokens.slice(start * pageSize, end * pageSize);
  }

  /** Returns the pages of a group that a query after the first `end` pages sees, in order. */
  seenAt(end: number, group: number): number[] {
    const rule = this.#core.ledger.groups[group]!.window;
    const unseen = rule ? unseenPages(rule, end * rule.pageSize) : { first: 0, end: 0 };
    const seen: number[] = [];
    for (let i = 0; i < Math.min(unseen.first, end); i++) seen.push(i);
    for (let i = unseen.end; i < end; i++) seen.push(i);
    return seen;
  }

  /** Returns those of them that the cache lacks. */
  missingAt(end: number, group: number): number[] {
    return this.seenAt(end, group).filter((i) => !this.has(i, group));
  }

  nodeOf(i: number): PrefixNode | undefined {
    return this.#path[i];
  }

  has(i: number, group: number): boolean {
    return this.#path[i]?.has(group) ?? false;
  }

  /** Returns the node before page `start`, which is made if it is missing. */
  parentOf(start: number): PrefixNode {
    for (let i = this.#path.length; i < start; i++) {
      const parent = this.#path[i - 1] ?? this.#root;
      this.seen(this.#tree.insert(parent, this.#tokens, i * this.#core.layout.pageSize));
    }
    this.#moveEnd();
    return this.#path[start - 1] ?? this.#root;
  }

  /** Takes a node into the chain; its pages in each group are held. */
  seen(node: PrefixNode): void {
    this.#path[node.depth] = node;
    for (const [group, held] of this.#held.entries()) {
      if (!node.has(group) || held.has(node)) continue;
      held.add(node);
      this.#core.ledger.keep(this.hold, node, group);
    }
  }

  /** Takes pages of a group for nodes, for the first ones as far as there is room; they are held. */
  adopt(nodes: readonly PrefixNode[], group: number): PageSet[] {
    const sets = this.#core.ledger.adopt(nodes, group, this.hold);
    for (const node of nodes.slice(0, sets.length)) this.#held[group]!.add(node);
    return sets;
  }

  /** Lets go of nodes without a page. The hold of pages goes on. May be called twice. */
  close(): void {
    if (this.isCleared || this.#isClosed) return;
    this.#isClosed = true;
    this.#moveEnd();
    this.#end.holders--;
    this.#tree.prune(this.#end);
  }

  #moveEnd(): void {
    const end = this.#path.at(-1) ?? this.#root;
    if (end === this.#end) return;
    end.holders++;
    this.#end.holders--;
    this.#tree.prune(this.#end);
    this.#end = end;
  }
}
