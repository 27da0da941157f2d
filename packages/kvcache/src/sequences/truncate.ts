import { fail } from '@heed/core/kernel';
import type { PageAllocator } from '../pages/page-allocator.ts';
import { unseenPages } from '../pages/page-window.ts';
import type { PageSet, PrefixNode } from '../pages/prefix-node.ts';
import type { PrefixTree } from '../pages/prefix-tree.ts';
import { checkWhole } from '../pages/whole-numbers.ts';
import { moveTo } from './commit.ts';
import { cutPositions } from './row-positions.ts';
import { checkEven, lengthOf, pageCount, type SequenceState } from './sequence-state.ts';

/** Forgets the tokens from `length` on, also committed ones. Returns the pages that became free. */
export function truncate(
  fn: string,
  pages: PageAllocator,
  tree: PrefixTree,
  state: SequenceState,
  length: number,
  now: number,
): PageSet[] {
  checkLength(fn, tree.pageSize, state, length);
  const freed = releaseTail(pages, state, Math.ceil(length / tree.pageSize), now);
  uncommit(tree, state, length);
  state.positions = cutPositions(state.positions, length);
  endAt(state, length);
  return freed;
}

/** Sets the length of a sequence, whose tables have been cut down to it. */
export function endAt(state: SequenceState, length: number): void {
  for (const table of state.tables) table.firstKept = Math.min(table.firstKept, table.length);
  state.counts.fill(length);
  state.appended.fill(0);
  state.reserved = length;
  state.epoch++;
}

/** Releases all table entries from `keep` on. The last is released, and so evicted, first. Returns the pages that became free. */
export function releaseTail(
  pages: PageAllocator,
  state: SequenceState,
  keep: number,
  now: number,
): PageSet[] {
  const freed: PageSet[] = [];
  while (pageCount(state) > keep) {
    for (const table of state.tables) {
      const set = table.pop();
      if (set && pages.release(set, now)) freed.push(set);
    }
  }
  return freed;
}

/** Takes back the commitment of the tokens from `length` on. The names of their pages stay. */
export function uncommit(tree: PrefixTree, state: SequenceState, length: number): void {
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

function checkLength(fn: string, pageSize: number, state: SequenceState, length: number): void {
  checkEven(fn, state);
  checkWhole(fn, 'length', length, 0, lengthOf(state));
  checkSight(fn, pageSize, state, length);
}

/** Throws if a query at `length` would see keys that a window has released. */
export function checkSight(
  fn: string,
  pageSize: number,
  state: SequenceState,
  length: number,
): void {
  for (const { firstKept, rules } of state.tables) {
    const released = Math.min(firstKept, Math.ceil(length / pageSize));
    if (!rules.window || released <= unseenPages(rules.window, length).end) continue;
    const { window } = rules.window;
    const least = firstKept * pageSize + window;
    const rule = `a query at the new end would see keys that the window of ${window} has released: length must be at least ${least}`;
    fail(fn, rule, length, 'Shorten it before appending further, or use a larger window.');
  }
}
