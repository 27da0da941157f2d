import { CapacityError } from '@heed/core';
import { NULL_PAGE, type PageAllocator } from '../pages/page-allocator.ts';
import { unseenPages, type WindowRule } from '../pages/page-window.ts';
import { lengthOf, type SequenceState } from './sequence-state.ts';

/** A sequence and the length that all its layers need pages for. */
export interface Growth {
  readonly state: SequenceState;
  readonly length: number;
}

/** Work for the GPU before rows are written. */
export interface PageMoves {
  /** Source and destination pages, alternating: shared pages that are about to be written. */
  readonly copies: number[];
  /** Pages that were allocated. */
  readonly fresh: number[];
  /** Pages that became free. */
  readonly freed: number[];
}

export interface PageRules {
  readonly pageSize: number;
  readonly window: WindowRule | undefined;
}

/** Pages that one step takes and releases, decided before anything changes. */
export interface Reservation {
  readonly steps: readonly GrowthPlan[];
  /** Pages that {@link reserve} takes. */
  readonly needed: number;
  /** Pages that it can take: free, cached, or released by the step itself. */
  readonly available: number;
}

interface GrowthPlan extends Growth {
  /** Index of the last page, where it is partly filled and so written next. */
  readonly tail: number | undefined;
  /** Whether that page is shared, so that it is copied before it is written. */
  readonly copiesTail: boolean;
}

/** Plans the pages of a step. Reads the sequences and the allocator, and changes nothing. */
export function planReservation(
  pages: PageAllocator,
  rules: PageRules,
  growths: readonly Growth[],
): Reservation {
  const { pageSize } = rules;
  const growing = growths.filter(({ state, length }) => length > state.reserved);
  const dropped = new Map<number, number>();
  const drop = (page: number): void => void dropped.set(page, (dropped.get(page) ?? 0) + 1);
  const left = (page: number): number => pages.references(page) - (dropped.get(page) ?? 0);

  let { available } = pages;
  for (const { state } of growing) {
    for (const index of passedPages(state, rules)) {
      const page = state.table.at(index);
      drop(page);
      if (left(page) === 0) available++;
    }
  }
  let needed = 0;
  const steps = growing.map(({ state, length }): GrowthPlan => {
    const { table, reserved } = state;
    needed += Math.ceil(length / pageSize) - table.length;
    const tail = reserved % pageSize > 0 ? Math.floor(reserved / pageSize) : undefined;
    const page = tail === undefined ? NULL_PAGE : table.at(tail);
    // A write would be seen by another sequence, or would break the prefixes that continue the page.
    const copiesTail = left(page) > 1 || (pages.node(page)?.children ?? 0) > 0;
    if (copiesTail) {
      drop(page);
      needed++;
    }
    return { state, length, tail, copiesTail };
  });
  return { steps, needed, available };
}

/**
 * Carries out a plan: releases what windows have passed, makes each last page private, and gives each sequence its pages.
 * @throws CapacityError fewer pages are available than the plan needs; nothing has changed then
 */
export function reserve(
  fn: string,
  pages: PageAllocator,
  rules: PageRules,
  { steps, needed, available }: Reservation,
  now: number,
): PageMoves {
  if (needed > available) {
    throw new CapacityError(
      `${fn}: these tokens need ${needed} pages of ${rules.pageSize}; ${available} of ${pages.pages} are free or cached. ` +
        `Nothing was changed. Close or truncate a sequence, append fewer tokens, or create a larger cache.`,
    );
  }
  const freed = steps.flatMap(({ state }) => releasePassed(pages, rules, state, now));
  const moves: PageMoves = { copies: [], fresh: [], freed };
  for (const { state, length, tail, copiesTail } of steps) {
    const { table } = state;
    if (copiesTail) {
      const copy = pages.take();
      moves.copies.push(table.at(tail!), copy);
      table.replace(tail!, copy);
    } else if (tail !== undefined) {
      pages.forget(table.at(tail));
    }
    while (table.length * rules.pageSize < length) {
      const page = pages.take();
      moves.fresh.push(page);
      table.push(page);
    }
    state.reserved = length;
    state.epoch++;
  }
  // A source is released last: until its copy is made, it may not be allocated.
  moves.copies.forEach((page, i) => i % 2 === 0 && pages.release(page, now));
  return moves;
}

/** Releases pages that no query from the next token on can see. Returns those that became free. */
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
  if (rules.window) {
    state.firstKept = Math.max(state.firstKept, unseenPages(rules.window, lengthOf(state)).end);
  }
  return freed;
}

/** Entries of the table that no query from the next token on can see, and that still have their page. */
function* passedPages(state: SequenceState, { window }: PageRules): Generator<number> {
  if (!window) return;
  const { first, end } = unseenPages(window, lengthOf(state));
  for (let i = Math.max(first, state.firstKept); i < end; i++) {
    if (state.table.at(i) !== NULL_PAGE) yield i;
  }
}
