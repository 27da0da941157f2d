import { fail } from '@heed/core/kernel';
import type { PageAllocator } from '../pages/page-allocator.ts';
import type { PrefixNode } from '../pages/prefix-node.ts';
import type { PrefixTree } from '../pages/prefix-tree.ts';
import { checkEven, lengthOf, setsAt, type SequenceState } from './sequence-state.ts';

/**
 * Names the next tokens of a sequence, so that its full pages become findable. A second page for the same tokens gets the same
 * name.
 */
export function commit(
  fn: string,
  pages: PageAllocator,
  tree: PrefixTree,
  state: SequenceState,
  tokens: ArrayLike<number>,
): void {
  const { pageSize } = tree;
  checkRoom(fn, state, tokens.length);
  const all = [...state.pending, ...Array.from(tokens)];
  const firstPage = Math.floor(state.committed / pageSize);
  checkAgreement(fn, tree, state, all, firstPage);
  const full = Math.floor(all.length / pageSize);
  for (let i = 0; i < full; i++) {
    const node = tree.insert(state.node, all, i * pageSize);
    moveTo(tree, state, node);
    raisePriority(pages, node, state.priority);
    for (const set of setsAt(state, firstPage + i)) {
      if (set.node !== node) pages.name(set, node);
    }
  }
  state.pending = all.slice(full * pageSize);
  state.committed += tokens.length;
}

/** Makes `node` the last committed full page of the sequence. */
export function moveTo(tree: PrefixTree, state: SequenceState, node: PrefixNode): void {
  const before = state.node;
  node.holders++;
  state.node = node;
  before.holders--;
  tree.prune(before);
}

/** Raises the priority of a prefix to that of a sequence that uses it. */
export function raisePriority(pages: PageAllocator, node: PrefixNode, priority: number): void {
  if (priority <= node.priority) return;
  node.priority = priority;
  pages.offer(node);
}

function checkRoom(fn: string, state: SequenceState, count: number): void {
  checkEven(fn, state);
  if (state.isPrivate) {
    const rule = 'a sequence of which keep(rows) without from has dropped rows cannot be committed';
    fail(fn, rule, `${count} tokens`, 'Its rows no longer follow from its tokens alone.');
  }
  const length = lengthOf(state);
  if (state.committed + count <= length) return;
  const rule = `at most ${length - state.committed} tokens can be committed: the rest of the appended ones`;
  fail(fn, rule, count, 'Append their keys and values first.');
}

// Forks share pages, and the rows of a shared page were computed from one list of tokens.
function checkAgreement(
  fn: string,
  tree: PrefixTree,
  state: SequenceState,
  all: readonly number[],
  firstPage: number,
): void {
  let node: PrefixNode | undefined = state.node;
  for (let i = 0; (i + 1) * tree.pageSize <= all.length; i++) {
    node = node && tree.find(node, all, i * tree.pageSize);
    if (setsAt(state, firstPage + i).every((set) => !set.node || set.node === node)) continue;
    const rule = `page ${firstPage + i} of this sequence is shared and was committed with other tokens`;
    const got = `[${all.slice(i * tree.pageSize, (i + 1) * tree.pageSize).join(', ')}]`;
    fail(fn, rule, got, 'Commit the tokens whose keys and values were appended before the fork.');
  }
}
