import { CapacityError } from '@heed/core';
import { blocksFor, type Room } from '../pages/block-pool.ts';
import type { PageAllocator } from '../pages/page-allocator.ts';
import { unseenPages } from '../pages/page-window.ts';
import type { PageSet } from '../pages/prefix-node.ts';
import type { PageTable } from './page-table.ts';
import { lengthOf, pageCount, type SequenceState } from './sequence-state.ts';

/** A sequence and the length that all its layers need pages for. */
export interface Growth {
  readonly state: SequenceState;
  readonly length: number;
}

/** Work for the GPU before rows are written. */
export interface PageMoves {
  /** Pages that are about to be written and are shared, and the pages that they are copied to. */
  readonly copies: readonly (readonly [from: PageSet, to: PageSet])[];
  /** Pages that were allocated. */
  readonly fresh: readonly PageSet[];
  /** Pages that became free. */
  readonly freed: readonly PageSet[];
}

/** Pages that a call takes. */
interface Demand {
  /** By run. */
  readonly wanted: readonly number[];
  /** Memory that it can take: free, cached, or released by the call itself. */
  readonly room: Room;
}

/** Pages that one step takes and releases, decided before anything changes. */
export interface Reservation extends Demand {
  readonly steps: readonly GrowthPlan[];
}

interface GrowthPlan extends Growth {
  /** Index of the last page, where it is partly filled and so written next. */
  readonly tail: number | undefined;
  /** By group: whether that page is shared, so that it is copied before it is written. */
  readonly copiesTail: readonly boolean[];
}

/** Plans the pages of a step. Reads the sequences and the allocator, and changes nothing. */
export function planReservation(
  pages: PageAllocator,
  pageSize: number,
  growths: readonly Growth[],
): Reservation {
  const growing = growths.filter(({ state, length }) => length > state.reserved);
  const dropped = new Map<PageSet, number>();
  const drop = (set: PageSet): void => void dropped.set(set, (dropped.get(set) ?? 0) + 1);
  const left = (set: PageSet): number => set.references - (dropped.get(set) ?? 0);

  const unused: PageSet[] = [];
  for (const { state } of growing) {
    for (const table of state.tables) {
      for (const [, set] of passedPages(table, lengthOf(state))) {
        drop(set);
        if (left(set) === 0) unused.push(set);
      }
    }
  }
  const wanted = pages.blocks.perBlock.map(() => 0);
  const want = ({ rules }: PageTable, count: number): void => {
    for (let run = 0; run < rules.runs; run++) wanted[rules.firstRun + run]! += count;
  };
  const steps = growing.map(({ state, length }): GrowthPlan => {
    const { tables, reserved } = state;
    const count = Math.ceil(length / pageSize) - pageCount(state);
    const tail = reserved % pageSize > 0 ? Math.floor(reserved / pageSize) : undefined;
    const copiesTail = tables.map((table) => {
      want(table, count);
      const set = tail === undefined ? undefined : table.at(tail);
      if (!set) return false;
      // A write would be seen by another sequence, or would break the prefixes that continue the page.
      if (left(set) <= 1 && (set.node?.children ?? 0) === 0) return false;
      drop(set);
      want(table, 1);
      return true;
    });
    return { state, length, tail, copiesTail };
  });
  return { steps, wanted, room: pages.roomWithout(unused) };
}

/** Returns whether a plan finds its pages. */
export const fits = ({ blocks }: PageAllocator, { wanted, room }: Demand): boolean =>
  blocksFor(blocks.perBlock, wanted, room) <= room.blocks;

/**
 * Carries out a plan: releases what windows have passed, makes each last page private, and gives each sequence its pages.
 * @throws CapacityError fewer pages are available than the plan needs; nothing has changed then
 */
export function reserve(
  fn: string,
  pages: PageAllocator,
  pageSize: number,
  plan: Reservation,
  now: number,
): PageMoves {
  checkFits(fn, 'these tokens', pages, pageSize, plan);
  const { steps, wanted } = plan;
  const freed = steps.flatMap(({ state }) => releasePassed(pages, state, now));
  pages.makeRoom(wanted);
  const copies: [PageSet, PageSet][] = [];
  const fresh: PageSet[] = [];
  for (const { state, length, tail, copiesTail } of steps) {
    state.tables.forEach((table, group) => {
      const set = tail === undefined ? undefined : table.at(tail);
      if (!set) return;
      if (!copiesTail[group]) return pages.forget(set);
      const copy = pages.take(group);
      copies.push([set, copy]);
      table.replace(tail!, copy);
    });
    while (pageCount(state) * pageSize < length) {
      for (const [group, table] of state.tables.entries()) {
        const set = pages.take(group);
        fresh.push(set);
        table.push(set);
      }
    }
    state.reserved = length;
    state.epoch++;
  }
  // A source is released last: until its copy is made, it may not be allocated.
  for (const [from] of copies) pages.release(from, now);
  return { copies, fresh, freed };
}

/**
 * Throws unless a call finds its pages.
 * @param what needs them, in the plural
 */
export function checkFits(
  fn: string,
  what: string,
  pages: PageAllocator,
  pageSize: number,
  demand: Demand,
): void {
  if (fits(pages, demand)) return;
  const { wanted, room } = demand;
  const { perBlock, blocks } = pages.blocks;
  const needed = blocksFor(perBlock, wanted, room);
  const memory =
    perBlock.length === 1
      ? `${needed} pages of ${pageSize}`
      : `${needed} blocks, for pages of ${pageSize} in ${perBlock.length} runs of layers`;
  throw new CapacityError(
    `${fn}: ${what} need ${memory}; ${room.blocks} of ${blocks} are free or cached. ` +
      `Nothing was changed. Close or truncate a sequence, append fewer tokens, or create a larger cache.`,
  );
}

/** Releases pages that no query from the next token on can see. Returns those that became free. */
export function releasePassed(pages: PageAllocator, state: SequenceState, now: number): PageSet[] {
  const freed: PageSet[] = [];
  const length = lengthOf(state);
  for (const table of state.tables) {
    for (const [index, set] of passedPages(table, length)) {
      table.replace(index, undefined);
      if (pages.release(set, now)) freed.push(set);
    }
    const { window } = table.rules;
    if (window) table.firstKept = Math.max(table.firstKept, unseenPages(window, length).end);
  }
  return freed;
}

/** Pages of the table that no query from position `length` on can see, and their indices. */
function* passedPages(table: PageTable, length: number): Generator<[index: number, set: PageSet]> {
  const { window } = table.rules;
  if (!window) return;
  const { first, end } = unseenPages(window, length);
  for (let i = Math.max(first, table.firstKept); i < end; i++) {
    const set = table.at(i);
    if (set) yield [i, set];
  }
}
