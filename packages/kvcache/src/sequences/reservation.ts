import { CapacityError } from '@heed/core';
import { NULL_PAGE, type PageAllocator } from '../pages/page-allocator.ts';
import { lengthOf, type SequenceState } from './sequence-state.ts';
import { unseenPages, type WindowRule } from '../pages/page-window.ts';

/** A sequence and the length that all its layers are to have room for. */
export interface Growth {
  readonly state: SequenceState;
  readonly length: number;
}

/** What the GPU has to do before rows are written. */
export interface PageMoves {
  /** Source and destination pages, alternating: shared pages that are about to be written. */
  readonly copies: number[];
  /** Pages that were given out. */
  readonly fresh: number[];
  /** Pages that hold nothing of anyone any more. */
  readonly freed: number[];
}

export interface PageRules {
  readonly pageSize: number;
  readonly window: WindowRule | undefined;
}

/**
 * Gives each sequence the pages for its new length, and its own copy of a last page that it shares; takes back what a window
 * has passed. All or nothing.
 * @throws CapacityError fewer pages are free or cached than that takes; nothing has changed then
 */
export function reserve(
  fn: string,
  pages: PageAllocator,
  rules: PageRules,
  growths: readonly Growth[],
  now: number,
): PageMoves {
  const growing = growths.filter(({ state, length }) => length > state.reserved);
  checkCapacity(fn, pages, rules, growing);
  const moves: PageMoves = { copies: [], fresh: [], freed: [] };
  for (const { state } of growing) moves.freed.push(...releasePassed(pages, rules, state, now));
  // A page that is copied from may not be given out before the copy is made.
  const sources: number[] = [];
  for (const { state, length } of growing) {
    makeTailWritable(pages, rules, state, moves, sources);
    while (state.table.length * rules.pageSize < length) {
      const page = pages.take();
      moves.fresh.push(page);
      state.table.push(page);
    }
    state.reserved = length;
    state.epoch++;
  }
  for (const page of sources) pages.release(page, now);
  return moves;
}

/** Gives back what no query from the next token on can see. Returns the pages that became free. */
export function releasePassed(
  pages: PageAllocator,
  rules: PageRules,
  state: SequenceState,
  now: number,
): number[] {
  const freed: number[] = [];
  for (const index of passedPages(state, rules)) {
    const page = state.table.at(index);
    state.table.replace(index, NULL_PAGE);
    if (pages.release(page, now)) freed.push(page);
  }
  state.firstKept = keptFrom(state, rules);
  return freed;
}

function makeTailWritable(
  pages: PageAllocator,
  { pageSize }: PageRules,
  state: SequenceState,
  moves: PageMoves,
  sources: number[],
): void {
  const index = Math.floor(state.reserved / pageSize);
  if (state.reserved % pageSize === 0) return;
  const page = state.table.at(index);
  const left = sources.filter((source) => source === page).length;
  if (!isNeededByOthers(pages, page, pages.references(page) - left)) {
    pages.forget(page);
    return;
  }
  const copy = pages.take();
  moves.copies.push(page, copy);
  sources.push(page);
  state.table.replace(index, copy);
}

/** Whether writing the page would take something from another sequence, or from prefixes that go on from it. */
function isNeededByOthers(pages: PageAllocator, page: number, references: number): boolean {
  return references > 1 || (pages.node(page)?.children ?? 0) > 0;
}

/** Pages that a reservation takes, and pages that can be had for it. */
export interface Demand {
  readonly needed: number;
  readonly available: number;
}

/** What {@link reserve} would take; nothing changes. */
export function demandOf(
  pages: PageAllocator,
  rules: PageRules,
  growths: readonly Growth[],
): Demand {
  const growing = growths.filter(({ state, length }) => length > state.reserved);
  const dropped = new Map<number, number>();
  const left = (page: number): number => pages.references(page) - (dropped.get(page) ?? 0);
  const drop = (page: number): void => void dropped.set(page, (dropped.get(page) ?? 0) + 1);
  let needed = 0;
  let available = pages.available;
  for (const { state } of growing) {
    for (const index of passedPages(state, rules)) {
      const page = state.table.at(index);
      drop(page);
      if (left(page) === 0) available++;
    }
  }
  for (const { state, length } of growing) {
    needed += Math.ceil(length / rules.pageSize) - state.table.length;
    if (state.reserved % rules.pageSize === 0) continue;
    const page = state.table.at(Math.floor(state.reserved / rules.pageSize));
    if (!isNeededByOthers(pages, page, left(page))) continue;
    drop(page);
    needed++;
  }
  return { needed, available };
}

function checkCapacity(
  fn: string,
  pages: PageAllocator,
  rules: PageRules,
  growing: readonly Growth[],
): void {
  const { needed, available } = demandOf(pages, rules, growing);
  if (needed <= available) return;
  throw new CapacityError(
    `${fn}: these tokens need ${needed} pages of ${rules.pageSize}; ${available} of ${pages.pages} are free or cached. ` +
      `Nothing was changed. Close or truncate a sequence, append fewer tokens, or create a larger cache.`,
  );
}

/** Entries of the table that no query from the next token on can see. */
function* passedPages(state: SequenceState, { window }: PageRules): Generator<number> {
  if (!window) return;
  const { first, end } = unseenPages(window, lengthOf(state));
  for (let i = Math.max(first, state.firstKept); i < end; i++) {
    if (state.table.at(i) !== NULL_PAGE) yield i;
  }
}

const keptFrom = (state: SequenceState, { window }: PageRules): number =>
  window ? Math.max(state.firstKept, unseenPages(window, lengthOf(state)).end) : 0;
