import type { GroupRules } from './group-rules.ts';
import { unseenPages } from './page-window.ts';
import type { PrefixNode } from './prefix-node.ts';
import type { PrefixTree } from './prefix-tree.ts';

/**
 * Returns the longest cached run of full pages, at most `tokens.length − 1` tokens: the last token must be computed, because the
 * next one is predicted from it. Groups without a window must have every page; windowed groups only those that a query after the
 * run can see. One pass.
 *
 * Source: vLLM `get_computed_blocks`; for windows its sliding-window manager.
 */
export function matchPrefix(
  tree: PrefixTree,
  root: PrefixNode,
  tokens: ArrayLike<number>,
  groups: readonly GroupRules[],
): PrefixNode[] {
  const { pageSize } = tree;
  const sights = groups.filter(({ window }) => window).map((rules) => new RunSight(rules));
  const full = groups.filter(({ window }) => !window).map(({ group }) => group);
  const path: PrefixNode[] = [];
  let matched = 0;
  let node: PrefixNode | undefined = root;
  for (let end = pageSize; end < tokens.length; end += pageSize) {
    node = tree.find(node, tokens, end - pageSize);
    if (!node) break;
    for (const group of full) if (!node.has(group)) return path.slice(0, matched);
    path.push(node);
    let isHit = true;
    for (const sight of sights) isHit = sight.extend(node) && isHit;
    if (isHit) matched = path.length;
  }
  return path.slice(0, matched);
}

/** What a windowed group has of a run of pages, as the run grows. */
class RunSight {
  readonly #rules: GroupRules;
  /** Whether all pages so far that every query sees are there. */
  #hasFirst = true;
  /** The last page that is not there, behind those. */
  #missing = -1;

  constructor(rules: GroupRules) {
    this.#rules = rules;
  }

  /** Adds a page. Returns whether the group has all that a query after it sees. */
  extend(node: PrefixNode): boolean {
    const { group, window } = this.#rules;
    const { depth } = node;
    const unseen = unseenPages(window!, (depth + 1) * window!.pageSize);
    if (!node.has(group)) {
      if (depth < unseen.first) this.#hasFirst = false;
      else this.#missing = depth;
    }
    return this.#hasFirst && this.#missing < unseen.end;
  }
}
