import { CapacityError } from '@heed/core';
import * as fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { lru, priority } from '../../../src/pages/eviction.ts';
import { pageName, rootName } from '../../../src/pages/page-name.ts';
import { pagesAtOnce } from '../../../src/pages/page-window.ts';
import type { PageSet, PrefixNode } from '../../../src/pages/prefix-node.ts';
import { Ledger } from '../../../src/sequences/ledger.ts';
import type { PageMoves } from '../../../src/sequences/reservation.ts';
import type { SequenceState } from '../../../src/sequences/sequence-state.ts';
import { ledgerOptions, pageCounts, type PlainOptions } from './plain-ledger.ts';

/** A ledger with pages of 4 tokens, and its events. */
interface SmallLedger {
  readonly ledger: Ledger;
  readonly events: { kind: 'stored' | 'removed'; node: PrefixNode }[];
}

function smallLedger(options: Partial<PlainOptions> = {}): SmallLedger {
  const events: SmallLedger['events'] = [];
  const defaults = { layers: 2, pageSize: 4, pages: 10, eviction: lru };
  const ledger = new Ledger(ledgerOptions({ ...defaults, ...options }), {
    stored: (node) => events.push({ kind: 'stored', node }),
    removed: (node) => events.push({ kind: 'removed', node }),
  });
  return { ledger, events };
}

/** `count` tokens from `first` on. */
const tokensFrom = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i);

/** Appends tokens to all layers. */
function extend(ledger: Ledger, state: SequenceState, count: number): PageMoves {
  const rows = Int32Array.of(count);
  const { moves } = ledger.append('append', 0, [state], rows);
  for (let layer = 1; layer < state.counts.length; layer++) {
    ledger.append('append', layer, [state], rows);
  }
  return moves;
}

/** A sequence with all of these tokens, committed. */
function written(ledger: Ledger, tokens: readonly number[], salt = ''): SequenceState {
  const state = ledger.openSequence(tokens, salt, 0);
  extend(ledger, state, tokens.length - state.cachedTokens);
  ledger.commit('commit', state, tokens.slice(state.cachedTokens));
  return state;
}

/** The ids of pages. */
const ids = (sets: readonly (PageSet | undefined)[]): (number | undefined)[] =>
  sets.map((set) => set?.pages[0]);

/** Opens a sequence, closes it, and returns the number of tokens found. */
function hit(ledger: Ledger, tokens: readonly number[], salt = ''): number {
  const state = ledger.openSequence(tokens, salt, 0);
  ledger.close(state);
  return state.cachedTokens;
}

/** The pages of a sequence; undefined where a window has released one. */
const entries = (state: SequenceState): PageSet[] => [...state.tables[0]!.sets] as PageSet[];

// The assertions of vLLM's, SGLang's and TensorRT-LLM's own tests of their caches.
describe('invariants of prefix caches', () => {
  test('1. names are a hash chain, salted at its root: equal pages at other positions differ', () => {
    const { ledger } = smallLedger();
    const state = written(ledger, [7, 7, 7, 7, 7, 7, 7, 7]);
    const [first, second] = entries(state).map(({ node }) => node!.name);
    const tokens = Uint32Array.of(7, 7, 7, 7);
    expect(first).toBe(pageName(rootName(''), tokens));
    expect(second).toBe(pageName(first!, tokens));
    expect(second).not.toBe(first);
    expect(hit(ledger, tokensFrom(7, 0).concat([7, 7, 7, 7, 7]), 'salt')).toBe(0);
    const salted = written(ledger, [7, 7, 7, 7, 7, 7, 7, 7], 'salt');
    const names = entries(salted).map(({ node }) => node!.name);
    expect(names[0]).toBe(pageName(rootName('salt'), tokens));
    expect(new Set([...names, first, second]).size).toBe(4);
  });

  test('2. one reference when taken, one more for a hit, one less when closed; a partly filled page has no name', () => {
    const { ledger } = smallLedger();
    const tokens = tokensFrom(0, 6);
    const first = written(ledger, tokens);
    const [full, partial] = entries(first) as [PageSet, PageSet];
    expect([full, partial].map(({ references }) => references)).toEqual([1, 1]);
    expect(partial.node).toBeUndefined();
    const second = ledger.openSequence(tokens, '', 0);
    expect(entries(second)).toEqual([full]);
    expect(full.references).toBe(2);
    ledger.close(first);
    expect(full.references).toBe(1);
    ledger.close(second);
    expect(full.references).toBe(0);
  });

  test('3. pages go in exact order: oldest sequence first, its tail first; what was touched stays', () => {
    const { ledger } = smallLedger({ pages: 6 });
    const a = written(ledger, tokensFrom(0, 8));
    const b = written(ledger, tokensFrom(100, 8));
    const c = written(ledger, tokensFrom(200, 8));
    const [a0, a1, b0, b1, c0, c1] = [a, b, c].flatMap(entries);
    for (const state of [a, b, c]) ledger.close(state);
    expect(hit(ledger, tokensFrom(0, 9))).toBe(8); // a was touched: now b is the oldest
    const taken = ledger.openSequence([], '', 0);
    expect(ids(extend(ledger, taken, 24).fresh)).toEqual(ids([b1, b0, c1, c0, a1, a0]));
    expect(a0!.node).toBeUndefined();
    expect(hit(ledger, tokensFrom(0, 9))).toBe(0);
  });

  test('3b. with the priority policy the dear ones go last', () => {
    const { ledger } = smallLedger({ pages: 3, eviction: priority });
    const dear = ledger.openSequence(tokensFrom(0, 4), '', 5);
    extend(ledger, dear, 4);
    ledger.commit('commit', dear, tokensFrom(0, 4));
    const [dearPage] = entries(dear);
    ledger.close(dear);
    for (const first of [100, 200]) ledger.close(written(ledger, tokensFrom(first, 4)));
    const taken = ledger.openSequence([], '', 0);
    expect(extend(ledger, taken, 12).fresh.at(-1)!.pages).toEqual(dearPage!.pages);
  });

  test('4. an append without room changes nothing', () => {
    const { ledger } = smallLedger({ pages: 3 });
    const shared = written(ledger, tokensFrom(0, 6));
    const child = ledger.fork(shared);
    const sets = entries(shared);
    const before = sets.map(({ references }) => references);
    const append = () => ledger.append('append', 0, [shared, child], Int32Array.of(3, 3));
    expect(append).toThrow(CapacityError);
    expect(append).toThrow(/need 3 pages of 4; 1 of 3 are free or cached/);
    expect(sets.map(({ references }) => references)).toEqual(before);
    expect(pageCounts(ledger)).toEqual([2, 0, 1]);
    expect([...shared.counts, ...child.counts]).toEqual([6, 6, 6, 6]);
    expect(entries(child)).toEqual(entries(shared));
  });

  test('4b. what the plan of a step copies is copied, though the step evicts the reason', () => {
    const { ledger } = smallLedger({ layers: 1, pages: 5 });
    const [state, spare, other] = [
      written(ledger, tokensFrom(0, 8)),
      written(ledger, tokensFrom(100, 4)),
      written(ledger, tokensFrom(200, 8)),
    ];
    const [first, second] = entries(state) as [PageSet, PageSet];
    const [last] = entries(spare) as [PageSet];
    ledger.truncate('truncate', state, 2); // the first page is written next, and the cached second one continues it
    ledger.close(spare);
    expect(ledger.canAppend([other, state], [4, 1])).toBe(true);
    const { moves } = ledger.append('append', 0, [other, state], Int32Array.of(4, 1));
    expect(moves.copies.map(ids)).toEqual([ids([first, last])]);
    expect([ids(moves.fresh), moves.freed]).toEqual([ids([second]), []]);
    expect(hit(ledger, tokensFrom(0, 9))).toBe(4);
  });

  test('5. when all is closed all pages can be had; clearing then forgets every name', () => {
    const { ledger } = smallLedger();
    const a = written(ledger, tokensFrom(0, 9));
    const b = ledger.fork(a);
    extend(ledger, b, 2);
    ledger.close(a);
    ledger.close(b);
    expect(pageCounts(ledger)).toEqual([0, 2, 8]);
    ledger.clear();
    expect(pageCounts(ledger)).toEqual([0, 0, 10]);
    expect(hit(ledger, tokensFrom(0, 9))).toBe(0);
    expect([...ledger.tree.nodes()]).toEqual([]);
  });

  test('6. two pages with one name: giving up one keeps the other findable', () => {
    const { ledger, events } = smallLedger({ pages: 3 });
    const tokens = tokensFrom(0, 4);
    const first = ledger.openSequence([], '', 0);
    const second = ledger.openSequence([], '', 0);
    for (const state of [first, second]) {
      extend(ledger, state, 4);
      ledger.commit('commit', state, tokens);
    }
    expect(entries(first)).not.toEqual(entries(second)); // tables are append-only
    ledger.close(first);
    ledger.close(second);
    extend(ledger, ledger.openSequence([], '', 0), 8); // a free page and one of the two
    expect(events.map(({ kind }) => kind)).toEqual(['stored']);
    expect(hit(ledger, tokensFrom(0, 5))).toBe(4);
  });

  test('7. a hit leaves at least one token to compute', () => {
    const { ledger } = smallLedger();
    ledger.close(written(ledger, tokensFrom(0, 8)));
    expect([7, 8, 9, 12].map((length) => hit(ledger, tokensFrom(0, length)))).toEqual([4, 4, 8, 8]);
  });

  test('8. with a window, lost pages out of its sight cost no hit; without one, a lost first page costs all', () => {
    const tokens = tokensFrom(0, 17);
    for (const [window, expected] of [
      [5, 16],
      [undefined, 0],
    ] as const) {
      const { ledger } = smallLedger({ pages: 8, window });
      const state = written(ledger, tokens);
      const [first] = entries(state);
      ledger.close(state);
      ledger.pages.forget(first!);
      expect(hit(ledger, tokens)).toBe(expected);
    }
  });

  test('8b. a window releases what it has passed, but for the sinks', () => {
    const { ledger } = smallLedger({ pages: 6, window: 6, sinkTokens: 1 });
    const state = ledger.openSequence([], '', 0);
    for (let token = 0; token < 40; token++) extend(ledger, state, 1);
    const [sink, ...rest] = entries(state);
    expect(sink).toBeDefined();
    expect(rest.map((page) => page === undefined)).toEqual([...Array(7).fill(true), false, false]);
    expect(pageCounts(ledger)[0]).toBe(3);
  });

  test('8c. what a window has passed is given up before what a prefix is still found by', () => {
    const { ledger } = smallLedger({ pages: 7, window: 5, sinkTokens: 1 });
    const tokens = tokensFrom(0, 25);
    const state = written(ledger, tokens.slice(0, 24));
    const [, ...pages] = entries(state); // the first holds the sink
    ledger.close(state);
    const taken = ledger.openSequence([], '', 0);
    const released = pages.slice(0, 3).toReversed();
    expect(ids(extend(ledger, taken, 16).fresh.slice(1))).toEqual(ids(released));
    expect(hit(ledger, tokens)).toBe(24);
    const other = ledger.openSequence([], '', 0);
    expect(ids(extend(ledger, other, 4).fresh)).toEqual(ids([pages[4]]));
    expect(hit(ledger, tokens)).toBe(4);
  });

  test('9. events name the page and its parent, also where the parent has no memory left', () => {
    const { ledger, events } = smallLedger({ pages: 3, window: 0 });
    const state = ledger.openSequence([], '', 0);
    for (let page = 0; page < 5; page++) {
      extend(ledger, state, 4);
      ledger.commit('commit', state, tokensFrom(4 * page, 4));
    }
    const stored = events.filter(({ kind }) => kind === 'stored').map(({ node }) => node);
    let parent = rootName('');
    for (const [page, node] of stored.entries()) {
      expect(node.parent!.name).toBe(parent);
      expect(node.name).toBe(pageName(parent, Uint32Array.from(tokensFrom(4 * page, 4))));
      parent = node.name;
    }
    const removed = events.filter(({ kind }) => kind === 'removed').map(({ node }) => node);
    expect(stored).toHaveLength(5);
    expect(removed.length).toBeGreaterThan(0);
    expect(stored[1]!.sets).toEqual([]);
    const named = stored.filter((node) => !removed.includes(node));
    expect([...ledger.tree.nodes()].filter((node) => node.isStored)).toEqual(named);
  });

  test('10. prefixes that part share what they have in common; whole pages match; what is in use is never given up', () => {
    const { ledger } = smallLedger({ pages: 5 });
    const a = written(ledger, [0, 1, 2, 3, 4, 5, 6, 7]);
    const b = written(ledger, [0, 1, 2, 3, 4, 5, 9, 9]);
    expect(entries(b)[0]).toBe(entries(a)[0]);
    expect(entries(b)[1]).not.toBe(entries(a)[1]);
    expect(pageCounts(ledger)).toEqual([3, 0, 2]);
    ledger.close(b);
    expect(pageCounts(ledger)).toEqual([2, 1, 2]);
    const other = ledger.openSequence([], '', 0);
    extend(ledger, other, 12); // the free pages and b's
    expect(() => extend(ledger, other, 1)).toThrow(CapacityError);
    expect(entries(a).map(({ references }) => references)).toEqual([1, 1]);
    expect(hit(ledger, [0, 1, 2, 3, 4, 5, 6, 7, 8])).toBe(8);
    expect(hit(ledger, [0, 1, 2, 3, 4, 5, 9, 9, 8])).toBe(4);
  });

  test('11. drafts that shrink from step to step leak no page', () => {
    const { ledger } = smallLedger();
    const state = written(ledger, tokensFrom(0, 6));
    let length = 6;
    for (const [drafts, accepted] of [
      [7, 2],
      [5, 0],
      [1, 1],
      [9, 9],
      [0, 0],
      [3, 1],
    ] as const) {
      extend(ledger, state, drafts);
      length += accepted;
      ledger.truncate('truncate', state, length);
      ledger.commit('commit', state, tokensFrom(length - accepted, accepted));
      expect(pageCounts(ledger)[0]).toBe(Math.ceil(length / 4));
    }
    ledger.close(state);
    expect(10 - pageCounts(ledger)[0]).toBe(10);
    expect(hit(ledger, tokensFrom(0, length + 1))).toBe(Math.floor(length / 4) * 4);
  });

  test('12. rows move into copies where a prefix goes on, else in place, and names go with what moves', () => {
    const { ledger, events } = smallLedger();
    const tokens = tokensFrom(0, 12);
    const a = written(ledger, tokens.slice(0, 8));
    const first = entries(a);
    ledger.close(written(ledger, tokens)); // a third page continues those of a
    const copied = ledger.keepRows('keep', a, [0, 2, 3, 4, 5, 6, 7])!;
    expect([copied.fresh.length, ledger.counters.keepCopies]).toEqual([2, 2]);
    expect(hit(ledger, [...tokens, 12])).toBe(12);
    const slots = copied.moves[0]!;
    const [from, to] = [4 * first[0]!.pages[0]!, 4 * entries(a)[0]!.pages[0]!];
    expect(slots.slice(0, 4)).toEqual(Int32Array.of(from, to, from + 2, to + 1));

    const b = written(ledger, tokensFrom(100, 12));
    const own = entries(b);
    const inPlace = ledger.keepRows('keep', b, [0, 1, 2, 3, 5])!;
    expect([inPlace.fresh, ids(inPlace.freed)]).toEqual([[], ids([own[2]])]);
    expect(entries(b)).toEqual(own.slice(0, 2));
    expect(events.slice(-2).map(({ kind, node }) => [kind, node.depth])).toEqual([
      ['removed', 2],
      ['removed', 1],
    ]);
    expect(hit(ledger, tokensFrom(100, 13))).toBe(4);
  });

  test('12b. a prefix that another sequence goes on from keeps its pages', () => {
    const { ledger } = smallLedger({ window: 4, layers: 1 });
    const a = written(ledger, tokensFrom(0, 12));
    const other = ledger.fork(a);
    for (const count of [8, 1]) extend(ledger, other, count); // it has released all that it shared
    expect(entries(a).map(({ references }) => references)).toEqual([1, 1, 1]);
    ledger.keepRows('keep', a, [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]);
    expect(hit(ledger, tokensFrom(0, 9))).toBe(8);
  });
});

const rules = fc.record({
  window: fc.option(fc.nat({ max: 14 }), { nil: undefined }),
  sinkTokens: fc.nat({ max: 9 }),
  tokens: fc.nat({ max: 60 }),
});

it('a sequence that can ever fit does, and one that cannot is short of a page', () => {
  fc.assert(
    fc.property(rules, ({ window, sinkTokens, tokens }) => {
      const rule = window === undefined ? undefined : { pageSize: 4, window, sinkTokens };
      const pages = pagesAtOnce(4, rule, tokens);
      const fill = (count: number): number => {
        const { ledger } = smallLedger({ layers: 1, pages: count, window, sinkTokens });
        expect(ledger.canEverFit(tokens)).toBe(count >= pages);
        const state = ledger.openSequence([], '', 0);
        let length = 0;
        while (length < tokens && ledger.canAppend([state], [1])) {
          extend(ledger, state, 1);
          length++;
        }
        if (length < tokens) expect(() => extend(ledger, state, 1)).toThrow('these tokens need');
        return length;
      };
      expect(fill(Math.max(1, pages))).toBe(tokens);
      if (pages > 1) expect(fill(pages - 1)).toBeLessThan(tokens);
    }),
    { numRuns: 300 },
  );
});
