import { CapacityError } from '@heed/core';
import { isFullRun } from '@heed/testing';
import * as fc from 'fast-check';
import assert from 'node:assert/strict';
import { expect, it } from 'vitest';
import { lru } from '../../../src/pages/eviction.ts';
import { type GroupOptions, type GroupRules, layersOfRun } from '../../../src/pages/group-rules.ts';
import type { PageSet, PrefixNode } from '../../../src/pages/prefix-node.ts';
import { Ledger } from '../../../src/sequences/ledger.ts';
import type { SequenceState } from '../../../src/sequences/sequence-state.ts';

const pageSize = 3;

/** A layer, and where its pages are. */
interface Place {
  readonly layer: number;
  readonly group: number;
  readonly run: number;
  /** Counted through all groups. */
  readonly runOfAll: number;
}

interface Followed {
  readonly state: SequenceState;
  tokens: number[];
  /** What each row holds, in every layer. */
  rows: string[];
}

/** A ledger of several groups, and the rows that its moves leave in memory. */
class GroupedRows {
  readonly ledger: Ledger;
  readonly places: readonly Place[];
  /** By layer, then by slot. */
  readonly memory: readonly Map<number, string>[];
  readonly sequences: Followed[] = [];
  kept = 0;

  constructor(groups: readonly GroupOptions[], blocks: number) {
    const events = { stored: () => {}, removed: () => {} };
    this.ledger = new Ledger({ groups, pageSize, blocks, eviction: lru }, events);
    const size = layersOfRun(groups);
    let layer = 0;
    this.places = groups.flatMap(({ layers }, group) =>
      Array.from({ length: layers }, (_, i): Place => {
        const run = Math.floor(i / size);
        const { firstRun } = this.ledger.groups[group]!;
        return { layer: layer++, group, run, runOfAll: firstRun + run };
      }),
    );
    this.memory = this.places.map(() => new Map());
  }

  open(tokens: number[]): void {
    const state = this.ledger.openSequence(tokens, '', 0);
    const found = tokens.slice(0, state.cachedTokens);
    this.sequences.push({ state, tokens: found, rows: found.map((_, i) => rowOf(found, i)) });
  }

  append({ state, tokens, rows }: Followed, news: readonly number[], own = ''): void {
    const mark = own || (state.isPrivate ? `private ${state.id}: ` : '');
    for (const { layer } of this.places) {
      let step: ReturnType<Ledger['append']>;
      try {
        step = this.ledger.append('append', layer, [state], Int32Array.of(news.length));
      } catch (error) {
        assert.ok(error instanceof CapacityError && layer === 0);
        return;
      }
      for (const [from, to] of step.moves.copies) this.#copy(from, to);
      if (layer === 0) {
        for (const token of news) {
          tokens.push(token);
          rows.push(mark + rowOf(tokens, tokens.length - 1));
        }
      }
      step.slots.forEach((slot, i) => {
        this.memory[layer]!.set(slot, rows[rows.length - news.length + i]!);
      });
    }
  }

  #copy(from: PageSet, to: PageSet): void {
    for (const { layer, group, run } of this.places) {
      if (group !== from.group) continue;
      for (let row = 0; row < pageSize; row++) {
        const content = this.memory[layer]!.get(from.pages[run]! * pageSize + row);
        this.memory[layer]!.set(to.pages[run]! * pageSize + row, content ?? '');
      }
    }
  }

  keep(one: Followed, isKept: (row: number) => boolean): void {
    const rows = one.rows.flatMap((_, i) => (isKept(i) ? [i] : []));
    const before = one.state.tables.map(({ runs }) => runs.map(({ entries }) => [...entries]));
    try {
      const moves = this.ledger.keepRows('keep', one.state, rows)?.moves;
      if (!moves) return;
      this.kept++;
      for (const { layer, runOfAll } of this.places) {
        const slots = moves[runOfAll]!;
        const memory = this.memory[layer]!;
        for (let i = 0; i < slots.length; i += 2) memory.set(slots[i + 1]!, memory.get(slots[i]!)!);
      }
      one.tokens = rows.map((row) => one.tokens[row]!);
      one.rows = rows.map((row) => one.rows[row]!);
    } catch (error) {
      assert.match(String(error), /copies of shared pages|the window of/);
      const after = one.state.tables.map(({ runs }) => runs.map(({ entries }) => [...entries]));
      assert.deepEqual(after, before);
    }
  }

  /** Every row that a sequence has is where its tables say, in all layers, and so are the rows of every name. */
  check(): void {
    const references = new Map<PageSet, number>();
    for (const { state, rows } of this.sequences) {
      for (const table of state.tables) {
        for (const set of table.sets) if (set) references.set(set, (references.get(set) ?? 0) + 1);
      }
      assert.deepEqual(
        [...state.counts],
        this.places.map(() => rows.length),
      );
      for (const { layer, group, run } of this.places) {
        const table = state.tables[group]!.runs[run]!;
        rows.forEach((row, i) => {
          const page = table.at(Math.floor(i / pageSize));
          if (page === 0) return assert.ok(isUnseen(state.tables[group]!.rules, i, rows.length));
          assert.equal(this.memory[layer]!.get(page * pageSize + (i % pageSize)), row);
        });
      }
    }
    for (const [set, count] of references) assert.equal(set.references, count);
    for (const node of this.ledger.tree.nodes()) this.#checkNode(node);
  }

  #checkNode(node: PrefixNode): void {
    const tokens: number[] = [];
    for (let at = node; at.parent; at = at.parent) tokens.unshift(...at.tokens);
    for (const { group, pages } of node.sets) {
      for (const place of this.places.filter((one) => one.group === group)) {
        for (let i = 0; i < pageSize; i++) {
          const slot = pages[place.run]! * pageSize + i;
          const row = rowOf(tokens, node.depth * pageSize + i);
          assert.equal(this.memory[place.layer]!.get(slot), row);
        }
      }
    }
  }
}

const isUnseen = ({ window: rule }: GroupRules, row: number, length: number): boolean =>
  rule !== undefined && row >= rule.sinkTokens && row < length - rule.window;

/** A row depends on all tokens up to its own. */
const rowOf = (tokens: readonly number[], row: number): string => tokens.slice(0, row + 1).join();

const groupsOf = fc
  .array(
    fc.record({
      layers: fc.integer({ min: 1, max: 3 }),
      perBlock: fc.constantFrom(1, 2, 3),
      bytes: fc.constant(64),
      window: fc.option(fc.nat({ max: 5 }), { nil: undefined }),
      sinkTokens: fc.nat({ max: 3 }),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((groups) =>
    groups.map(({ window, sinkTokens, ...rest }): GroupOptions =>
      window === undefined ? rest : { ...rest, window, sinkTokens },
    ),
  );

const callOf = fc.record({
  op: fc.constantFrom(
    'open',
    'append',
    'append',
    'commit',
    'keep',
    'keep',
    'fork',
    'truncate',
    'close',
  ),
  which: fc.nat({ max: 99 }),
  count: fc.nat({ max: 99 }),
  tokens: fc.array(fc.constantFrom(0, 0, 0, 1), { maxLength: 9 }),
  mask: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
});

it('keep moves rows in every run of every group, and spoils no row of another', () => {
  let kept = 0;
  const property = fc.property(
    groupsOf,
    fc.integer({ min: 8, max: 30 }),
    fc.array(callOf, { minLength: 60, maxLength: 60, size: 'max' }),
    (groups, blocks, calls) => {
      const rows = new GroupedRows(groups, blocks);
      for (const { op, which, count, tokens, mask } of calls) {
        const { ledger, sequences } = rows;
        const one = sequences[which % Math.max(1, sequences.length)];
        if (op === 'open' || !one) rows.open(tokens);
        else if (op === 'append') rows.append(one, tokens);
        else if (op === 'keep') {
          const first = count % (one.rows.length + 1);
          rows.keep(one, (row) => row < first || mask[row % mask.length]!);
        } else if (op === 'fork') {
          const state = ledger.fork(one.state);
          sequences.push({ state, tokens: [...one.tokens], rows: [...one.rows] });
        } else if (op === 'commit') {
          const { committed, isPrivate } = one.state;
          if (isPrivate) continue;
          ledger.commit('commit', one.state, one.tokens.slice(committed));
        } else if (op === 'truncate') {
          const length = count % (one.rows.length + 1);
          try {
            ledger.truncate('truncate', one.state, length);
            one.tokens.length = length;
            one.rows.length = length;
          } catch (error) {
            assert.match(String(error), /the window of/);
          }
        } else {
          ledger.close(one.state);
          sequences.splice(sequences.indexOf(one), 1);
        }
        rows.check();
      }
      kept += rows.kept;
    },
  );
  expect(() =>
    fc.assert(property, { seed: 5, numRuns: isFullRun() ? 2000 : 100, endOnFailure: true }),
  ).not.toThrow();
  expect(kept).toBeGreaterThan(100);
});
