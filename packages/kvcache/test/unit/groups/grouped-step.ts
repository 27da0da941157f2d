import assert from 'node:assert/strict';
import { lacking, type ModelCopy, type ModelSequence, type GroupedCache } from './grouped-cache.ts';
import { makeRoom } from './grouped-eviction.ts';

/** A sequence that needs pages, and the length for which it needs them. */
interface Growth {
  readonly sequence: ModelSequence;
  readonly length: number;
}

/** Pages of a group, by their ids. */
export interface PagesOf {
  readonly group: number;
  readonly pages: readonly number[];
}

/** What a step did to pages. */
interface Moves {
  readonly copies: readonly (readonly [from: PagesOf, to: PagesOf])[];
  readonly fresh: readonly PagesOf[];
  readonly freed: readonly PagesOf[];
}

/** Returns the sequences that need pages for `rows[i]` more tokens in a layer. */
export function growing(
  sequences: readonly ModelSequence[],
  layer: number,
  rows: Int32Array,
): Growth[] {
  return sequences
    .map((sequence, i) => ({ sequence, length: sequence.counts[layer]! + rows[i]! }))
    .filter(({ sequence, length }) => length > Math.max(...sequence.counts));
}

interface Demand {
  readonly fits: boolean;
  /** Pages by run. */
  readonly wanted: readonly number[];
  /** By growth and group. */
  readonly copiesTail: readonly (readonly boolean[])[];
}

/** Returns, before any change, what an append needs, and which sequences get copies of their last pages. */
export function demandOf(cache: GroupedCache, growths: readonly Growth[]): Demand {
  const { pageSize } = cache.options;
  const references = cache.references();
  const drop = (copy: ModelCopy): void => void references.set(copy, references.get(copy)! - 1);
  for (const { sequence } of growths) {
    for (const [group, i] of cache.passed(sequence)) drop(sequence.copies[group]![i]!);
  }
  const used = [...references].flatMap(([copy, count]) => (count > 0 ? [copy] : []));
  const room = cache.roomBeside(used);
  const wanted = room.spare.map(() => 0);
  const want = (group: number, count: number): void => {
    const { firstRun, runs } = cache.groups[group]!;
    for (let run = firstRun; run < firstRun + runs; run++) wanted[run]! += count;
  };
  const copiesTail = growths.map(({ sequence, length }) =>
    sequence.copies.map((list, group) => {
      want(group, Math.ceil(length / pageSize) - list.length);
      const tail = tailOf(cache, sequence, group);
      if (!tail || !isNeeded(cache, tail, references.get(tail)!)) return false;
      drop(tail);
      want(group, 1);
      return true;
    }),
  );
  return { fits: lacking(cache, wanted, room) <= 0, wanted, copiesTail };
}

/** Applies the ledger's decisions to the model, and checks each of them. */
export function follow(cache: GroupedCache, growths: readonly Growth[], moves: Moves): void {
  const copies = [...moves.copies];
  const fresh = [...moves.fresh];
  const { copiesTail, wanted } = demandOf(cache, growths);
  const now = ++cache.now;
  const freed = growths.flatMap(({ sequence }) => releasePassed(cache, sequence, now));
  assert.deepEqual(moves.freed.map(idsOf), freed.map(idsOf));
  makeRoom(cache, wanted);
  const sources: ModelCopy[] = [];
  for (const [i, { sequence, length }] of growths.entries()) {
    for (const group of cache.groups.keys()) {
      const tail = tailOf(cache, sequence, group);
      if (copiesTail[i]![group]) {
        const [from, to] = copies.shift()!;
        assert.deepEqual(idsOf(from), idsOf(tail!));
        const copy = cache.add(group, to.pages);
        copy.rows.splice(0, Infinity, ...tail!.rows.map((layer) => [...layer]));
        sequence.copies[group]!.splice(-1, 1, copy);
        sources.push(tail!);
      } else if (tail) {
        tail.prefix = undefined;
      }
    }
    while (sequence.copies[0]!.length * cache.options.pageSize < length) {
      for (const [group, list] of sequence.copies.entries()) {
        const taken = fresh.shift()!;
        assert.equal(taken.group, group);
        list.push(cache.add(group, taken.pages));
      }
    }
  }
  assert.deepEqual([copies, fresh], [[], []]);
  cache.roomBeside(cache.copies); // no two runs share a block
  cache.released(sources, now);
}

/** Releases the pages that a window has passed; returns those that became free. */
export function releasePassed(
  cache: GroupedCache,
  sequence: ModelSequence,
  now: number,
): ModelCopy[] {
  return cache.passed(sequence).flatMap(([group, i]) => {
    const copy = sequence.copies[group]![i];
    sequence.copies[group]![i] = undefined;
    return cache.released([copy], now);
  });
}

/** Returns the last pages of a group if they are partly filled. */
function tailOf(
  cache: GroupedCache,
  { counts, copies }: ModelSequence,
  group: number,
): ModelCopy | undefined {
  return Math.max(...counts) % cache.options.pageSize === 0 ? undefined : copies[group]!.at(-1);
}

function isNeeded(cache: GroupedCache, { prefix }: ModelCopy, references: number): boolean {
  return references > 1 || (prefix !== undefined && cache.isContinued(prefix));
}

/** Identifies pages in messages and comparisons. */
export const idsOf = (pages: PagesOf | ModelCopy): string =>
  `${pages.group}: ${('pages' in pages ? pages.pages : pages.ids).join()}`;
