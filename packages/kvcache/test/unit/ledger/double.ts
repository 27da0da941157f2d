// Not vitest's matchers: millions of their calls would take minutes.
import assert from 'node:assert/strict';
import { CapacityError } from '@heed/core';
import { rootName } from '../../../src/pages/page-name.ts';
import type { PageSet } from '../../../src/pages/prefix-node.ts';
import { Ledger } from '../../../src/sequences/ledger.ts';
import type { PageMoves } from '../../../src/sequences/reservation.ts';
import type { SequenceState } from '../../../src/sequences/sequence-state.ts';
import { checkAgreement, handleOf, prefixOfNode, snapshot } from './agreement.ts';
import {
  demandOf,
  follow,
  growing,
  keepPlan,
  type ModelSequence,
  NaiveCache,
  type NaiveMoves,
  pagesOf,
  prefixOf,
  releasePassed,
  type SavedPage,
  take,
  takeCopies,
} from './naive-cache.ts';
import { ledgerOptions, type PlainOptions } from './plain-ledger.ts';

/** A ledger and its model. Every call is made on both, and the ledger's decisions are checked. */
export class Double {
  readonly ledger: Ledger;
  readonly model: NaiveCache;
  readonly options: PlainOptions;
  /** Prefixes as derived from the events. */
  readonly replayed: Set<string> = new Set();
  /** Prefixes stored since the last check, and their pages. */
  readonly stored: [prefix: string, page: number][] = [];
  store: SavedPage[] = [];

  constructor(options: PlainOptions) {
    this.options = options;
    this.model = new NaiveCache(options);
    this.ledger = new Ledger(ledgerOptions(options), {
      stored: (node, { pages: [page] }) => {
        this.replayed.add(prefixOfNode(node));
        this.stored.push([prefixOfNode(node), page!]);
      },
      removed: (node, { pages: [page] }) => {
        assert.equal(this.replayed.delete(prefixOfNode(node)), true);
        // The model is updated after the call.
        assert.equal(this.model.memory[page!]!.prefix, prefixOfNode(node));
      },
    });
  }

  get sequences(): SequenceState[] {
    return [...this.ledger.open];
  }

  modelOf(state: SequenceState): ModelSequence {
    return this.model.sequences.get(state.id)!;
  }

  open(salt: string, tokens: number[], priority: number): void {
    const { model, options } = this;
    const hit = model.longestHit(salt, tokens);
    const state = this.ledger.openSequence(tokens, salt, priority);
    assert.equal(state.cachedTokens, hit * options.pageSize);
    const found = tokens.slice(0, state.cachedTokens);
    const pages = [...state.tables[0]!.runs[0]!.entries];
    pages.forEach((page, i) => {
      const isUnseen = model.isUnseen(i, found.length);
      const prefix = prefixOf(salt, found, (i + 1) * options.pageSize, options.pageSize);
      assert.equal(page === 0, isUnseen);
      if (!isUnseen) assert.equal(model.memory[page]!.prefix, prefix);
      model.raisePriority(prefix, priority);
    });
    const counts = Array.from({ length: options.layers }, () => found.length);
    const committed = found.length;
    const { id } = state;
    const rows = found.map((_, i) => found.slice(0, i + 1).join());
    const positions = found.map((_, i) => i);
    const origin = { id, salt, priority, isPrivate: false, nextPosition: found.length };
    model.sequences.set(id, {
      ...origin,
      tokens: found,
      rows,
      positions,
      counts,
      committed,
      pages,
    });
  }

  /** Appends the same new tokens to the first `layers` layers that lack them. Returns whether it found its pages. */
  append(
    states: SequenceState[],
    tokens: number[][],
    layers: number,
    contents: (string[] | undefined)[] = [],
  ): boolean {
    for (let layer = 0; layer < layers; layer++) {
      const rows = Int32Array.from(states, (state, i) => {
        const wanted = this.modelOf(state).tokens.length + (layer === 0 ? tokens[i]!.length : 0);
        return wanted - state.counts[layer]!;
      });
      if (!this.#appendLayer(states, tokens, layer, rows, contents)) return false;
    }
    return true;
  }

  #appendLayer(
    states: SequenceState[],
    tokens: number[][],
    layer: number,
    rows: Int32Array,
    contents: (string[] | undefined)[],
  ): boolean {
    const growths = growing(
      states.map((state) => this.modelOf(state)),
      layer,
      rows,
    );
    const { fits: hasRoom } = demandOf(this.model, growths);
    const before = hasRoom ? undefined : snapshot(this.ledger);
    // In the middle of a step, the pages are reserved already.
    if (states.every(({ counts }) => counts.every((count) => count === counts[0])))
      assert.equal(this.ledger.canAppend(states, [...rows]), hasRoom);
    let step: ReturnType<Ledger['append']>;
    try {
      step = this.ledger.append('append', layer, states, rows);
    } catch (error) {
      assert.ok(error instanceof CapacityError);
      assert.equal(hasRoom, false);
      assert.deepEqual(snapshot(this.ledger), before);
      return false;
    }
    assert.equal(hasRoom, true);
    follow(this.model, growths, movesOf(step.moves));
    let row = 0;
    states.forEach((state, i) => {
      const sequence = this.modelOf(state);
      if (layer === 0) addRows(sequence, tokens[i]!, contents[i]);
      for (let n = 0; n < rows[i]!; n++, row++) {
        const position = sequence.counts[layer]!++;
        this.#write(step.slots[row]!, layer, sequence.rows[position]!);
      }
    });
    assert.equal(step.slots.length, row);
    return true;
  }

  #write(slot: number, layer: number, content: string): void {
    const page = Math.floor(slot / this.options.pageSize);
    // Neither a shared page nor a named one is ever written.
    assert.deepEqual(this.model.references(page), 1);
    assert.deepEqual(this.model.memory[page]!.prefix, undefined);
    this.model.memory[page]!.rows[layer]![slot % this.options.pageSize] = content;
  }

  commit(state: SequenceState, count: number): void {
    const { model, options } = this;
    const sequence = this.modelOf(state);
    const { committed, salt, tokens } = sequence;
    if (sequence.isPrivate) {
      return this.refused(() => this.ledger.commit('commit', state, []), /cannot be committed/);
    }
    this.ledger.commit('commit', state, tokens.slice(committed, committed + count));
    sequence.committed += count;
    const first = Math.floor(committed / options.pageSize);
    for (let i = first; (i + 1) * options.pageSize <= sequence.committed; i++) {
      const prefix = prefixOf(salt, tokens, (i + 1) * options.pageSize, options.pageSize);
      model.raisePriority(prefix, sequence.priority);
      if (sequence.pages[i] !== 0) model.memory[sequence.pages[i]!]!.prefix = prefix;
    }
  }

  fork(state: SequenceState): void {
    const child = this.ledger.fork(state);
    this.model.sequences.set(child.id, { ...structuredClone(this.modelOf(state)), id: child.id });
  }

  truncate(state: SequenceState, length: number): void {
    const { model, options } = this;
    const sequence = this.modelOf(state);
    const kept = Math.ceil(length / options.pageSize);
    const isSound = sequence.pages
      .slice(0, kept)
      .every((page, i) => page !== 0 || model.isUnseen(i, length));
    if (!isSound) {
      this.refused(() => this.ledger.truncate('truncate', state, length), /window/);
      return;
    }
    const freed = this.ledger.truncate('truncate', state, length);
    const gone = sequence.pages.splice(kept).toReversed();
    assert.deepEqual(pagesIn(freed), model.released(gone, ++model.now));
    sequence.nextPosition = sequence.positions[length] ?? sequence.nextPosition;
    for (const list of [sequence.tokens, sequence.rows, sequence.positions]) list.length = length;
    sequence.counts.fill(length);
    sequence.committed = Math.min(sequence.committed, length);
  }

  /** Appends a tree of drafted tokens, forks before or after it, and keeps a path. */
  draft(state: SequenceState, tokens: number[], isPath: boolean[], branch: 'no' | 'tree'): void {
    const sequence = this.modelOf(state);
    const from = sequence.tokens.length;
    const path = [...sequence.tokens];
    const contents = tokens.map((token, i) => {
      if (isPath[i]) path.push(token);
      return isPath[i] ? contentOf(sequence, path) : `draft ${i}`;
    });
    if (!this.append([state], [tokens], this.options.layers, [contents])) return;
    if (branch === 'tree') {
      this.fork(state);
      this.truncate([...this.ledger.open].at(-1)!, from);
    }
    const rows = tokens.flatMap((_, i) => (isPath[i] ? [from + i] : []));
    if (this.keep(state, rows, from)) assert.deepEqual(sequence.tokens, path);
    else this.truncate(state, from);
  }

  /** Returns whether the rows were kept: a window or a lack of pages may have been in the way. */
  keep(state: SequenceState, rows: number[], from?: number): boolean {
    const { ledger, model, options } = this;
    const sequence = this.modelOf(state);
    const [start, length] = [from ?? 0, sequence.tokens.length];
    const kept = [...Array(start).keys(), ...rows];
    const call = () => ledger.keepRows('keep', state, rows, from);
    if (kept.length === length) {
      const before = snapshot(ledger);
      assert.equal(call(), undefined);
      assert.deepEqual(snapshot(ledger), before);
      return true;
    }
    const changed = kept.findIndex((row, i) => row !== i);
    const first = changed < 0 ? kept.length : changed;
    const count = Math.ceil(kept.length / options.pageSize);
    const isHeld = first >= options.pageSize * (sequence.pages.lastIndexOf(0) + 1);
    const isSound = sequence.pages
      .slice(0, count)
      .every((page, i) => page !== 0 || model.isUnseen(i, kept.length));
    if (!isHeld || !isSound) {
      this.refused(call, /window/);
      return false;
    }
    const plan = keepPlan(model, sequence, first, kept.length);
    if (plan.copies.length > model.free().length + model.cached().length) {
      this.refused(call, /the copies of shared pages need \d+ pages/);
      return false;
    }
    const { moves, fresh, freed } = call()!;
    sequence.committed = Math.min(sequence.committed, first);
    takeCopies(model, sequence, plan, pagesIn(fresh));
    for (const page of plan.renamed) model.memory[page]!.prefix = undefined;
    this.#move(moves[0]!);
    const now = ++model.now;
    const gone = model.released(sequence.pages.splice(count).toReversed(), now);
    model.copied.clear();
    model.released(plan.copies, now);
    assert.deepEqual(pagesIn(freed), gone);
    this.#thin(sequence, kept, from);
    return true;
  }

  /** Moves rows in the model's memory, one after another. */
  #move(slots: Int32Array): void {
    const { memory, options } = this.model;
    const split = (slot: number) =>
      [Math.floor(slot / options.pageSize), slot % options.pageSize] as const;
    for (let layer = 0; layer < options.layers; layer++) {
      for (let i = 0; i < slots.length; i += 2) {
        const [page, row] = split(slots[i]!);
        this.#write(slots[i + 1]!, layer, memory[page]!.rows[layer]![row]!);
      }
    }
  }

  #thin(sequence: ModelSequence, kept: number[], from: number | undefined): void {
    const { tokens, rows, positions } = sequence;
    sequence.tokens = kept.map((row) => tokens[row]!);
    sequence.rows = kept.map((row) => rows[row]!);
    sequence.counts.fill(kept.length);
    if (from === undefined) {
      sequence.positions = kept.map((row) => positions[row]!);
      sequence.isPrivate = true;
      return;
    }
    const next = positions[from]!;
    sequence.positions = kept.map((_, i) => (i < from ? positions[i]! : next + i - from));
    sequence.nextPosition = next + kept.length - from;
  }

  close(state: SequenceState): void {
    const { model } = this;
    const sequence = this.modelOf(state);
    const freed = releasePassed(model, sequence, ++model.now);
    model.sequences.delete(state.id);
    freed.push(...model.released(sequence.pages.toReversed(), ++model.now));
    assert.deepEqual(pagesIn(this.ledger.close(state)), freed);
    assert.deepEqual(handleOf(state).pages, []);
  }

  clear(): void {
    const cached = this.model.cached();
    assert.deepEqual(pagesIn(this.ledger.clear()), cached);
    for (const page of cached) this.model.memory[page]!.prefix = undefined;
    this.replayed.clear();
  }

  save(): void {
    const known = new Set(this.store.map(({ prefix }) => prefix));
    for (const { prefix, rows } of this.model.memory) {
      if (prefix === undefined || known.has(prefix)) continue;
      known.add(prefix);
      this.store.push({ prefix, rows: rows.map((layer) => [...layer]) });
    }
  }

  load(): void {
    const { ledger, model } = this;
    const inOrder = this.store.toSorted(
      (a, b) => pagesOf(a.prefix).length - pagesOf(b.prefix).length,
    );
    for (const { prefix, rows } of inOrder) {
      const isKnown = model.holders(prefix).length > 0;
      const isFull = model.free().length === 0;
      let node = ledger.tree.root(rootName(prefix.split('|')[0]));
      for (const page of pagesOf(prefix))
        node = ledger.tree.insert(node, page.split(',').map(Number), 0);
      const [page] = isKnown ? [] : pagesIn(ledger.adopt([node], 0));
      ledger.tree.prune(node);
      assert.equal(page === undefined, isKnown || isFull);
      if (page === undefined) continue;
      take(model, page);
      const lastUsed = ++model.now;
      const copy = rows.map((layer) => [...layer]);
      Object.assign(model.memory[page]!, { prefix, rows: copy, lastUsed });
      model.raisePriority(prefix, 0);
    }
  }

  /** A call that is refused changes nothing. */
  refused(call: () => unknown, message: RegExp): void {
    const before = snapshot(this.ledger);
    assert.throws(call, message);
    assert.deepEqual(snapshot(this.ledger), before);
  }

  /** Everything that must hold between two calls. */
  check(): void {
    checkAgreement(this);
    this.model.forgetPriorities();
  }
}

const pagesIn = (sets: readonly PageSet[]): number[] => sets.map(({ pages: [page] }) => page!);

const movesOf = ({ copies, fresh, freed }: PageMoves): NaiveMoves => ({
  copies: pagesIn(copies.flat()),
  fresh: pagesIn(fresh),
  freed: pagesIn(freed),
});

/** Returns the content of a row: all tokens up to it, on which its key depends. Private rows have no content of a public one. */
const contentOf = ({ isPrivate, id }: ModelSequence, tokens: readonly number[]): string =>
  `${isPrivate ? `private ${id}: ` : ''}${tokens.join()}`;

/** Adds new tokens to a sequence. */
function addRows(sequence: ModelSequence, news: readonly number[], contents?: string[]): void {
  const { tokens, rows, positions } = sequence;
  for (const [i, token] of news.entries()) {
    tokens.push(token);
    rows.push(contents?.[i] ?? contentOf(sequence, tokens));
    positions.push(sequence.nextPosition++);
  }
}
