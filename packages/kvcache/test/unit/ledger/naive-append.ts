import assert from 'node:assert/strict';
import type { PageMoves } from '../../../src/sequences/reservation.ts';
import type { ModelSequence, NaiveCache } from './naive-cache.ts';
import { take } from './naive-eviction.ts';

/** A sequence that needs room, and the length that it needs it for. */
interface Growth {
  readonly sequence: ModelSequence;
  readonly length: number;
}

/** The sequences that an append of `rows[i]` tokens to a layer makes longer than any layer was. */
export function growing(
  sequences: readonly ModelSequence[],
  layer: number,
  rows: Int32Array,
): Growth[] {
  return sequences
    .map((sequence, i) => ({ sequence, length: sequence.counts[layer]! + rows[i]! }))
    .filter(({ sequence, length }) => length > Math.max(...sequence.counts));
}

/** Whether there are pages enough. */
export function fits(cache: NaiveCache, growths: readonly Growth[]): boolean {
  const { pageSize } = cache.options;
  const references = cache.referenceCounts();
  const drop = (page: number): void => void references[page]!--;
  for (const { sequence } of growths)
    cache.passed(sequence).forEach((i) => drop(sequence.pages[i]!));
  const free = references.filter((count, page) => page > 0 && count === 0).length;
  let needed = 0;
  for (const { sequence, length } of growths) {
    needed += Math.ceil(length / pageSize) - sequence.pages.length;
    const tail = tailOf(cache, sequence);
    if (tail === undefined || !isNeeded(cache, tail, references[tail]!)) continue;
    drop(tail);
    needed++;
  }
  return needed <= free;
}

/** Does in the model what the ledger decided, step by step, and checks each decision. */
export function follow(cache: NaiveCache, growths: readonly Growth[], moves: PageMoves): void {
  const copies = [...moves.copies];
  const fresh = [...moves.fresh];
  const now = ++cache.now;
  const blanked = growths.flatMap(({ sequence }) => releasePassed(cache, sequence, now));
  assert.deepEqual(moves.blanked, blanked);
  for (const { sequence, length } of growths) {
    const tail = tailOf(cache, sequence);
    if (tail !== undefined && isNeeded(cache, tail, cache.references(tail))) {
      assert.equal(copies.shift(), tail);
      copyTail(cache, sequence, copies.shift()!);
    } else if (tail !== undefined) {
      cache.memory[tail]!.prefix = undefined;
    }
    while (sequence.pages.length * cache.options.pageSize < length) {
      const page = fresh.shift()!;
      take(cache, page);
      sequence.pages.push(page);
    }
  }
  assert.deepEqual([copies, fresh], [[], []]);
  const sources = [...cache.copied];
  cache.copied.clear();
  cache.released(sources, now);
}

/** Forgets what a window has passed; returns the pages that hold no prefix. */
export function releasePassed(cache: NaiveCache, sequence: ModelSequence, now: number): number[] {
  return cache.passed(sequence).flatMap((i) => {
    const page = sequence.pages[i]!;
    sequence.pages[i] = 0;
    return cache.released([page], now);
  });
}

function copyTail(cache: NaiveCache, { pages }: ModelSequence, copy: number): void {
  const tail = pages.at(-1)!;
  take(cache, copy);
  const rows = cache.memory[tail]!.rows.map((layer) => [...layer]);
  cache.memory[copy]!.rows.splice(0, Infinity, ...rows);
  pages[pages.length - 1] = copy;
  cache.copied.add(tail);
}

/** The last page, where it is partly filled. */
function tailOf(cache: NaiveCache, { counts, pages }: ModelSequence): number | undefined {
  return Math.max(...counts) % cache.options.pageSize === 0 ? undefined : pages.at(-1);
}

function isNeeded(cache: NaiveCache, page: number, references: number): boolean {
  const { prefix } = cache.memory[page]!;
  return references > 1 || (prefix !== undefined && cache.isContinued(prefix));
}
