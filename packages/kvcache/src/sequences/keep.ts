import { fail, narrowed, show } from '@heed/core/kernel';
import type { PageAllocator } from '../pages/page-allocator.ts';
import type { PageSet, PrefixNode } from '../pages/prefix-node.ts';
import type { PrefixTree } from '../pages/prefix-tree.ts';
import { checkWhole } from '../pages/whole-numbers.ts';
import type { PageTable } from './page-table.ts';
import { checkFits } from './reservation.ts';
import { cutPositions, thinnedPositions } from './row-positions.ts';
import { checkEven, lengthOf, pageCount, type SequenceState, setsAt } from './sequence-state.ts';
import { checkSight, endAt, releaseTail, uncommit } from './truncate.ts';

/** Rows that a `keep` leaves: those before `first` where they are, and `moved[i]` as row first + i. */
interface KeptRows {
  readonly first: number;
  readonly moved: Int32Array;
}

/** Work for the GPU after a `keep`. */
export interface RowMoves {
  /** For each run of layers, slots [from, to, from, to, …]. No slot is read by a move after the one that writes it. */
  readonly moves: readonly Int32Array[];
  /** Pages that were allocated, in place of shared ones. They are written by the moves alone. */
  readonly fresh: readonly PageSet[];
  /** Pages that became free. The moves may still read them. */
  readonly freed: readonly PageSet[];
}

/**
 * Drops the rows from `from` on, or all, that are not in `rows`. Later rows move up into the pages that the sequence has; a page that
 * others need is replaced by a copy. Without `from`, the next position stays, and the sequence becomes private. Returns undefined
 * if all rows are kept: nothing has changed then.
 * @throws ValidationError a bad list; committed rows behind `from`; rows that a window has released or would need
 * @throws CapacityError too few pages for the copies; nothing has changed then
 */
export function keep(
  fn: string,
  pages: PageAllocator,
  tree: PrefixTree,
  state: SequenceState,
  rows: ArrayLike<number> | BigInt64Array,
  from: number | undefined,
  now: number,
): RowMoves | undefined {
  const { pageSize } = tree;
  const length = lengthOf(state);
  const kept = checkRows(fn, state, rows, from);
  const { first, moved } = kept;
  const end = first + moved.length;
  if (end === length) return undefined;
  checkWindows(fn, pageSize, state, kept);
  const plan = planCopies(state, pageSize, kept);
  const wanted = wantedBy(pages, plan);
  const { room } = pages.blocks;
  checkFits(fn, 'the copies of shared pages', pages, pageSize, { wanted, room });

  uncommit(tree, state, first);
  pages.makeRoom(wanted);
  const before = state.tables.map(({ runs }) => runs.map(({ entries }) => entries.slice()));
  const fresh: PageSet[] = [];
  const copied: PageSet[] = [];
  for (const { table, index, set } of plan.copies) {
    const copy = pages.take(set.group);
    table.replace(index, copy);
    fresh.push(copy);
    copied.push(set);
  }
  for (const set of plan.renamed) pages.forget(set);
  const moves = state.tables.flatMap((table, group) => {
    const start = plan.starts[group]!;
    return table.runs.map((run, i) =>
      slotsOf(before[group]![i]!, run.entries, pageSize, start, kept),
    );
  });
  const freed = releaseTail(pages, state, Math.ceil(end / pageSize), now);
  for (const set of copied) pages.release(set, now);
  if (from === undefined) {
    const left = Int32Array.from({ length: end }, (_, i) => (i < first ? i : moved[i - first]!));
    state.positions = thinnedPositions(state.positions, left, length);
    state.isPrivate = true;
  } else {
    state.positions = cutPositions(state.positions, from);
  }
  endAt(state, end);
  return { moves, fresh, freed };
}

function checkRows(
  fn: string,
  state: SequenceState,
  rows: ArrayLike<number> | BigInt64Array,
  from: number | undefined,
): KeptRows {
  checkEven(fn, state);
  const length = lengthOf(state);
  if (from !== undefined) checkWhole(fn, 'from', from, 0, length);
  const start = from ?? 0;
  const given = narrowed(rows) as ArrayLike<number>;
  if (typeof given !== 'object' || given === null || !Number.isSafeInteger(given.length)) {
    fail(fn, 'rows must be a list of numbers', show(rows), 'Pass the rows to keep, ascending.');
  }
  for (let i = 0, least = start; i < given.length; i++) {
    const row = given[i]!;
    if (!Number.isSafeInteger(row) || row < least || row >= length) {
      const rule = `rows must be whole numbers from ${start} to ${length - 1}, ascending`;
      fail(fn, rule, `${show(row)} at ${i}`, 'Pass each row once, in order.');
    }
    least = row + 1;
  }
  if (from !== undefined && state.committed > from) {
    const rule = `rows from ${from} on must be uncommitted`;
    const fix = 'Leave from out to drop committed rows: the sequence is private then.';
    fail(fn, rule, `${state.committed} committed tokens`, fix);
  }
  let same = 0;
  while (same < given.length && given[same] === start + same) same++;
  const moved = Int32Array.from({ length: given.length - same }, (_, i) => given[same + i]!);
  return { first: start + same, moved };
}

function checkWindows(
  fn: string,
  pageSize: number,
  state: SequenceState,
  { first, moved }: KeptRows,
): void {
  for (const { firstKept, rules } of state.tables) {
    if (!rules.window || firstKept <= rules.sight!.first || first >= firstKept * pageSize) continue;
    const rule = `the window of ${rules.window.window} has released rows before ${firstKept * pageSize}, so all rows before it must stay`;
    fail(fn, rule, `row ${first} dropped`, `Keep them all, or pass from: ${firstKept * pageSize}.`);
  }
  checkSight(fn, pageSize, state, first + moved.length);
}

/** Which pages a `keep` copies and which lose their names, decided before anything changes. */
interface CopyPlan {
  /** Pages that will be written and that others need. */
  readonly copies: readonly {
    readonly table: PageTable;
    readonly index: number;
    readonly set: PageSet;
  }[];
  /** Pages that lose their names: those that are written in place and what continues them, last page first. */
  readonly renamed: readonly PageSet[];
  /** By group: the first row that is moved, those of a copied first page included. */
  readonly starts: readonly number[];
}

/**
 * A page is needed by others if another table or a hold has it, or if its prefix has a continuation that is not this sequence's alone.
 * So the plan goes from the last page to the first.
 */
function planCopies(state: SequenceState, pageSize: number, { first, moved }: KeptRows): CopyPlan {
  const starts = state.tables.map(() => first);
  if (moved.length === 0) return { copies: [], renamed: [], starts };
  const [firstPage, end] = [
    Math.floor(first / pageSize),
    Math.ceil((first + moved.length) / pageSize),
  ];
  const copies: CopyPlan['copies'][number][] = [];
  const own: PageSet[] = [];
  let renamed = 0;
  let ending: PrefixNode | undefined;
  for (let index = pageCount(state) - 1; index >= firstPage; index--) {
    const isNeeded = (set: PageSet): boolean =>
      set.references > 1 || (set.node !== undefined && childrenBeside(set.node, ending) > 0);
    for (const [group, table] of state.tables.entries()) {
      const set = table.at(index)!;
      if (index < end && isNeeded(set)) {
        copies.push({ table, index, set });
        if (index === firstPage) starts[group] = index * pageSize;
      } else if (set.node && set.references === 1) {
        own.push(set);
        // What continues a page that is written cannot be found any more.
        if (index < end) renamed = own.length;
      }
    }
    ending = endingNode(state, index, ending);
  }
  return { copies, renamed: own.slice(0, renamed), starts };
}

/** Returns the prefix of a page if it ends with the page: no other page, sequence or continuation has it. */
function endingNode(
  state: SequenceState,
  index: number,
  ending: PrefixNode | undefined,
): PrefixNode | undefined {
  const sets = setsAt(state, index);
  const node = sets.find((set) => set.node)?.node;
  if (!node || childrenBeside(node, ending) > 0) return undefined;
  if (node.holders > (state.node === node ? 1 : 0)) return undefined;
  const isAlone = node.sets.every((set) => set.references === 1 && sets.includes(set));
  return isAlone ? node : undefined;
}

const childrenBeside = (node: PrefixNode, ending: PrefixNode | undefined): number =>
  node.children - (ending?.parent === node ? 1 : 0);

/** Returns how many pages each run takes. */
function wantedBy({ blocks }: PageAllocator, { copies }: CopyPlan): number[] {
  const wanted = blocks.perBlock.map(() => 0);
  for (const { table } of copies) {
    const { firstRun, runs } = table.rules;
    for (let run = 0; run < runs; run++) wanted[firstRun + run]!++;
  }
  return wanted;
}

/** Returns the moves of a run's rows, from row `start` on, out of the pages of `from` into those of `to`. */
function slotsOf(
  from: Int32Array,
  to: Int32Array,
  pageSize: number,
  start: number,
  { first, moved }: KeptRows,
): Int32Array {
  const end = first + moved.length;
  const slots = new Int32Array(2 * (end - start));
  const slotIn = (table: Int32Array, row: number): number =>
    table[Math.floor(row / pageSize)]! * pageSize + (row % pageSize);
  for (let row = start, i = 0; row < end; row++) {
    slots[i++] = slotIn(from, row < first ? row : moved[row - first]!);
    slots[i++] = slotIn(to, row);
  }
  return slots;
}
