import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BlockTable } from '../../src/sequences/page-table.ts';
import type { SequenceState } from '../../src/sequences/sequence-state.ts';
import { sharedPrefixes } from '../../src/sequences/shared-prefixes.ts';

/** Finds the groups of sequences with these tables. Page 0 is none; `privates` have dropped rows from their middle. */
function groupsOf(tables: readonly (readonly number[])[], privates: readonly number[] = []) {
  const states = tables.map((_, i) => ({ isPrivate: privates.includes(i) }) as SequenceState);
  const made = tables.map((pages) => {
    const table = new BlockTable();
    for (const page of pages) table.push(page);
    return table;
  });
  return sharedPrefixes(states, (state) => made[states.indexOf(state)]!).groups;
}

describe('sharedPrefixes', () => {
  it('groups sequences that begin with the same pages, in any order', () => {
    const tables = [[7, 8], [1, 2, 3, 4], [7, 8, 9], [5], [1, 2, 3, 6]];
    expect(groupsOf(tables)).toEqual([
      { members: [0, 2], pages: 2 },
      { members: [1, 4], pages: 3 },
    ]);
  });

  it('takes the groups that save the most pages', () => {
    // All share page 1; two pairs share four pages more each, which saves 10 pages in place of 3.
    const [a, b] = [
      [1, 2, 3, 4, 5],
      [1, 6, 7, 8, 9],
    ];
    expect(groupsOf([a, b, a, b])).toEqual([
      { members: [0, 2], pages: 5 },
      { members: [1, 3], pages: 5 },
    ]);
    // Here the pair would leave out too many.
    expect(groupsOf([[1, 2], [1, 2], [1], [1], [1]])).toEqual([
      { members: [0, 1, 2, 3, 4], pages: 1 },
    ]);
  });

  it('leaves out private sequences, and pages that a window has released', () => {
    expect(
      groupsOf(
        [
          [1, 2],
          [1, 2],
          [1, 2],
        ],
        [1],
      ),
    ).toEqual([{ members: [0, 2], pages: 2 }]);
    expect(
      groupsOf([
        [0, 2],
        [0, 2],
      ]),
    ).toEqual([]);
    expect(groupsOf([])).toEqual([]);
  });

  it('finds disjoint groups that share what they say, for any tables', () => {
    const tables = fc.array(fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 6 }), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(tables, (all) => {
        const groups = groupsOf(all);
        const named = groups.flatMap(({ members }) => members);
        expect(new Set(named).size).toBe(named.length);
        for (const { members, pages } of groups) {
          expect(members.length).toBeGreaterThan(1);
          expect(pages).toBeGreaterThan(0);
          const first = all[members[0]!]!.slice(0, pages);
          expect(first).not.toContain(0);
          for (const i of members) expect(all[i]!.slice(0, pages)).toEqual(first);
        }
      }),
    );
  });
});
