import { fail } from '@heed/core/kernel';
import type { PageAllocator } from '../pages/page-allocator.ts';
import { unseenPages } from '../pages/page-window.ts';
import type { PrefixNode, PrefixTree } from '../pages/prefix-tree.ts';
import { checkWhole } from '../pages/whole-numbers.ts';
import { moveTo } from './commit.ts';
import type { PageRules } from './reservation.ts';
import { checkEven, lengthOf, type SequenceState } from './sequence-state.ts';

/** Forgets the tokens from `length` on, also committed ones. Returns the pages that became free. */
export function truncate(
  fn: string,
  pages: PageAllocator,
  tree: PrefixTree,
  rules: PageRules,
  state: SequenceState,
  length: number,
  now: number,
): number[] {
  checkLength(fn, rules, state, length);
  const freed = releaseTail(pages, state, Math.ceil(length / rules.pageSize), now);
  uncommit(tree, state, length);
  state.firstKept = Math.min(state.firstKept, state.table.length);
  state.counts.fill(length);
  state.appended.fill(0);
  state.reserved = length;
  state.epoch++;
  return freed;
}

/** Releases all table entries from `keep` on. The last is released, and so evicted, first. Returns the pages that became free. */
export function releaseTail(
  pages: PageAllocator,
  { table }: SequenceState,
  keep: number,
  now: number,
): number[] {
  const freed: number[] = [];
  while (table.length > keep) {
    const page = table.pop();
    if (pages.release(page, now)) freed.push(page);
  }
  return freed;
}

function uncommit(tree: PrefixTree, state: SequenceState, length: number): void {
  if (state.committed <= length) return;
  const full = Math.floor(length / tree.pageSize);
  let cut: PrefixNode | undefined;
  let node = state.node;
  while (node.depth >= full) {
    cut = node;
    node = node.parent!;
  }
  const tokens = cut ? [...cut.tokens] : state.pending;
  state.pending = tokens.slice(0, length - full * tree.pageSize);
  state.committed = length;
  moveTo(tree, state, node);
}

function checkLength(
  fn: string,
  { pageSize, window }: PageRules,
  state: SequenceState,
  length: number,
): void {
  checkEven(fn, state);
  checkWhole(fn, 'length', length, 0, lengthOf(state));
  const released = Math.min(state.firstKept, Math.ceil(length / pageSize));
  if (!window || released <= unseenPages(window, length).end) return;
  const least = state.firstKept * pageSize + window.window;
  const rule = `a query at the new end would see keys that the window of ${window.window} has released: length must be at least ${least}`;
  fail(fn, rule, length, 'Truncate before appending further, or use a larger window.');
}
