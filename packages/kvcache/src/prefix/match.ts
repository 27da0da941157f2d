import { unseenPages, type WindowRule } from '../sequences/window.ts';
import type { PrefixNode } from './node.ts';
import type { PrefixTree } from './tree.ts';

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
