import { SharedPrefixes } from '@heed/core/kernel';
import { NULL_PAGE } from '../pages/block-pool.ts';
import type { BlockTable } from './page-table.ts';
import type { SequenceState } from './sequence-state.ts';

/** Sequences that share their first `pages` pages, and the pages that grouping them would save. */
interface Found {
  readonly groups: SharedPrefixes['groups'];
  readonly saved: number;
}

const nothing: Found = { groups: [], saved: 0 };

/**
 * Finds disjoint groups of sequences whose tables begin with the same pages: those that save the most pages. Each table is read as
 * far as it is shared, and no further. Private sequences are left out.
 */
export function sharedPrefixes(
  states: readonly SequenceState[],
  tableOf: (state: SequenceState) => BlockTable,
): SharedPrefixes {
  const shareable = states.flatMap((state, i) => (state.isPrivate ? [] : [i]));
  const tables = states.map(tableOf);
  return new SharedPrefixes(bySavings(shareable, tables, 0).groups);
}

/** Returns the best groups among sequences that share their first `depth` pages: all of them, or groups that share more. */
function bySavings(
  members: readonly number[],
  tables: readonly BlockTable[],
  depth: number,
): Found {
  if (members.length < 2) return nothing;
  let end = depth;
  const first = tables[members[0]!]!;
  while (members.every((i) => hasPage(tables[i]!, end) && tables[i]!.at(end) === first.at(end)))
    end++;
  const together = { groups: [{ members, pages: end }], saved: (members.length - 1) * end };
  const apart = [...byPage(members, tables, end).values()].map((some) =>
    bySavings(some, tables, end),
  );
  const saved = apart.reduce((sum, found) => sum + found.saved, 0);
  if (saved > together.saved) return { groups: apart.flatMap((found) => found.groups), saved };
  return together.saved > 0 ? together : nothing;
}

const hasPage = (table: BlockTable, index: number): boolean =>
  index < table.length && table.at(index) !== NULL_PAGE;

/** Returns the sequences that have a page at `index`, by that page. */
function byPage(
  members: readonly number[],
  tables: readonly BlockTable[],
  index: number,
): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (const i of members) {
    const table = tables[i]!;
    if (!hasPage(table, index)) continue;
    const page = table.at(index);
    const same = found.get(page);
    if (same) same.push(i);
    else found.set(page, [i]);
  }
  return found;
}
