import { CapacityError } from '@heed/core';
// Called millions of times, where vitest's matchers would take minutes.
import assert from 'node:assert/strict';
import type { PrefixNode } from '../../../src/prefix/node.ts';
import { rootName } from '../../../src/prefix/page-name.ts';
import { Ledger, type LedgerOptions } from '../../../src/sequences/ledger.ts';
import { lengthOf, type SequenceState } from '../../../src/sequences/state.ts';
import {
  type ModelSequence,
  NaiveCache,
  pagesOf,
  prefixOf,
  type SavedPage,
} from './naive-cache.ts';

export const salts = ['', 'other'] as const;

const saltOf = new Map(salts.map((salt) => [rootName(salt), salt]));

/** A ledger and its model, driven together; every step checks what the ledger decided. */
export class Double {
  readonly ledger: Ledger;
  readonly model: NaiveCache;
  readonly options: LedgerOptions;
  /** Prefixes by the events so far. */
  readonly replayed: Set<string> = new Set();
  store: SavedPage[] = [];

  constructor(options: LedgerOptions) {
    this.options = options;
    this.model = new NaiveCache(options);
    this.ledger = new Ledger(options, {
      stored: (node) => this.replayed.add(prefixOfNode(node)),
      removed: (node) => assert.equal(this.replayed.delete(prefixOfNode(node)), true),
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
    const pages = [...state.table.entries];
    pages.forEach((page, i) => {
      const isUnseen = model.isUnseen(i, found.length);
      const prefix = prefixOf(salt, found, (i + 1) * options.pageSize, options.pageSize);
      assert.equal(page === 0, isUnseen);
      if (!isUnseen) assert.equal(model.memory[page]!.prefix, prefix);
      this.#raise(prefix, priority);
    });
    const counts = Array.from({ length: options.layers }, () => found.length);
    const committed = found.length;
    const { id } = state;
    model.sequences.set(id, { id, salt, priority, tokens: found, counts, committed, pages });
  }

  /** Appends the same new tokens to the first `layers` layers that lack them. */
  append(states: SequenceState[], tokens: number[][], layers: number): void {
    for (let layer = 0; layer < layers; layer++) {
      const rows = Int32Array.from(states, (state, i) => {
        const wanted = this.modelOf(state).tokens.length + (layer === 0 ? tokens[i]!.length : 0);
        return wanted - state.counts[layer]!;
      });
      if (!this.#appendLayer(states, tokens, layer, rows)) return;
    }
  }

  #appendLayer(
    states: SequenceState[],
    tokens: number[][],
    layer: number,
    rows: Int32Array,
  ): boolean {
    const fits = this.#fits(states, layer, rows);
    const before = fits ? undefined : this.snapshot();
    let step: ReturnType<Ledger['append']>;
    try {
      step = this.ledger.append('append', layer, states, rows);
    } catch (error) {
      assert.ok(error instanceof CapacityError);
      assert.equal(fits, false);
      assert.deepEqual(this.snapshot(), before);
      return false;
    }
    assert.equal(fits, true);
    this.#follow(states, step.moves, layer, rows);
    let row = 0;
    states.forEach((state, i) => {
      const sequence = this.modelOf(state);
      if (layer === 0) sequence.tokens.push(...tokens[i]!);
      for (let n = 0; n < rows[i]!; n++, row++) {
        const position = sequence.counts[layer]!++;
        this.#write(step.slots[row]!, layer, contentAt(sequence, position));
      }
    });
    assert.equal(step.slots.length, row);
    return true;
  }

  #write(slot: number, layer: number, content: string): void {
    const page = Math.floor(slot / this.options.pageSize);
    // A shared page is never written, nor one that a prefix is found by.
    assert.deepEqual(this.model.references(page), 1);
    assert.deepEqual(this.model.memory[page]!.prefix, undefined);
    this.model.memory[page]!.rows[layer]![slot % this.options.pageSize] = content;
  }

  // The sequences that need room, and the length that they need it for.
  #growing(states: SequenceState[], layer: number, rows: Int32Array) {
    return states
      .map((state, i) => {
        const sequence = this.modelOf(state);
        return { sequence, length: sequence.counts[layer]! + rows[i]! };
      })
      .filter(({ sequence, length }) => length > Math.max(...sequence.counts));
  }

  #fits(states: SequenceState[], layer: number, rows: Int32Array): boolean {
    const { model, options } = this;
    const references = model.referenceCounts();
    const drop = (page: number): void => void references[page]!--;
    const growing = this.#growing(states, layer, rows);
    for (const { sequence } of growing)
      this.#passed(sequence).forEach((i) => drop(sequence.pages[i]!));
    const free = references.filter((count, page) => page > 0 && count === 0).length;
    let needed = 0;
    for (const { sequence, length } of growing) {
      needed += Math.ceil(length / options.pageSize) - sequence.pages.length;
      const tail = this.#tail(sequence);
      if (tail === undefined || !this.#isNeeded(tail, references[tail]!)) continue;
      drop(tail);
      needed++;
    }
    return needed <= free;
  }

  /** Does in the model what the ledger decided, step by step, and checks each decision. */
  #follow(
    states: SequenceState[],
    moves: { copies: number[]; fresh: number[]; blanked: number[] },
    layer: number,
    rows: Int32Array,
  ): void {
    const { model, options } = this;
    const copies = [...moves.copies];
    const fresh = [...moves.fresh];
    const now = ++model.now;
    const growing = this.#growing(states, layer, rows);
    const blanked: number[] = [];
    for (const { sequence } of growing) {
      for (const i of this.#passed(sequence)) {
        const page = sequence.pages[i]!;
        sequence.pages[i] = 0;
        blanked.push(...this.#released([page], now));
      }
    }
    assert.deepEqual(moves.blanked, blanked);
    for (const { sequence, length } of growing) {
      const tail = this.#tail(sequence);
      if (tail !== undefined && this.#isNeeded(tail, model.references(tail))) {
        assert.equal(copies.shift(), tail);
        const copy = copies.shift()!;
        this.#take(copy);
        model.memory[copy]!.rows.splice(
          0,
          Infinity,
          ...model.memory[tail]!.rows.map((r) => [...r]),
        );
        sequence.pages[sequence.pages.length - 1] = copy;
        model.copied.add(tail);
      } else if (tail !== undefined) {
        model.memory[tail]!.prefix = undefined;
      }
      while (sequence.pages.length * options.pageSize < length) {
        const page = fresh.shift()!;
        this.#take(page);
        sequence.pages.push(page);
      }
    }
    assert.deepEqual([copies, fresh], [[], []]);
    const sources = [...model.copied];
    model.copied.clear();
    this.#released(sources, now);
  }

  #take(page: number): void {
    const { model } = this;
    const blank = model.blank();
    if (blank.length > 0) assert.ok(blank.includes(page));
    else assert.equal(page, model.evictionOrder()[0]);
    Object.assign(model.memory[page]!, { prefix: undefined, rows: model.emptyRows() });
  }

  /** Marks pages whose last reference has gone; returns those that hold no prefix. */
  #released(pages: number[], now: number): number[] {
    const { model } = this;
    return pages.filter((page) => {
      if (page === 0 || model.references(page) > 0) return false;
      model.memory[page]!.lastUsed = now;
      return model.memory[page]!.prefix === undefined;
    });
  }

  #passed(sequence: ModelSequence): number[] {
    const length = Math.min(...sequence.counts);
    return sequence.pages.flatMap((page, i) =>
      page !== 0 && this.model.isUnseen(i, length) ? [i] : [],
    );
  }

  #tail(sequence: ModelSequence): number | undefined {
    return Math.max(...sequence.counts) % this.options.pageSize === 0
      ? undefined
      : sequence.pages.at(-1);
  }

  #isNeeded(page: number, references: number): boolean {
    const { prefix } = this.model.memory[page]!;
    return references > 1 || (prefix !== undefined && this.model.isContinued(prefix));
  }

  commit(state: SequenceState, count: number): void {
    const { model, options } = this;
    const sequence = this.modelOf(state);
    const { committed, salt, tokens } = sequence;
    this.ledger.commit('commit', state, tokens.slice(committed, committed + count));
    sequence.committed += count;
    const first = Math.floor(committed / options.pageSize);
    for (let i = first; (i + 1) * options.pageSize <= sequence.committed; i++) {
      const prefix = prefixOf(salt, tokens, (i + 1) * options.pageSize, options.pageSize);
      this.#raise(prefix, sequence.priority);
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
    const blanked = this.ledger.truncate('truncate', state, length);
    const gone = sequence.pages.splice(kept).toReversed();
    assert.deepEqual(blanked, this.#releasedInOrder(gone));
    sequence.tokens.length = length;
    sequence.counts.fill(length);
    sequence.committed = Math.min(sequence.committed, length);
  }

  close(state: SequenceState): void {
    const { pages } = this.modelOf(state);
    this.model.sequences.delete(state.id);
    const blanked = this.ledger.close(state);
    assert.deepEqual(blanked, this.#releasedInOrder(pages.toReversed()));
  }

  #releasedInOrder(pages: number[]): number[] {
    return this.#released(pages, ++this.model.now);
  }

  clear(): void {
    const cached = this.model.cached();
    assert.deepEqual(this.ledger.clear(), cached);
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
      const isFull = model.blank().length === 0;
      let node = ledger.tree.root(rootName(prefix.split('|')[0]));
      for (const page of pagesOf(prefix))
        node = ledger.tree.insert(node, page.split(',').map(Number), 0);
      const page = ledger.adopt(node);
      ledger.tree.prune(node);
      assert.equal(page === undefined, isKnown || isFull);
      if (page === undefined) continue;
      this.#take(page);
      const lastUsed = ++model.now;
      const copy = rows.map((layer) => [...layer]);
      Object.assign(model.memory[page]!, { prefix, rows: copy, lastUsed });
      this.#raise(prefix, 0);
    }
  }

  /** A call that is refused changes nothing. */
  refused(call: () => unknown, message: RegExp): void {
    const before = this.snapshot();
    assert.throws(call, message);
    assert.deepEqual(this.snapshot(), before);
  }

  #raise(prefix: string, priority: number): void {
    const { priorities } = this.model;
    priorities.set(prefix, Math.max(priorities.get(prefix) ?? -Infinity, priority));
  }

  snapshot(): unknown {
    const { pages } = this.ledger;
    return structuredClone({
      sequences: this.sequences.map(({ node, table, ...rest }) => ({
        ...rest,
        node: prefixOfNode(node),
        entries: [...table.entries],
      })),
      pages: Array.from({ length: pages.pages + 1 }, (_, page) => [
        pages.references(page),
        pages.node(page) && prefixOfNode(pages.node(page)!),
      ]),
      blank: pages.blank,
      cached: pages.cached,
    });
  }

  /** Everything that must hold between two calls. */
  check(): void {
    const { ledger, model, options } = this;
    const { pages } = ledger;
    assert.deepEqual(pages.used + pages.cached + pages.blank, options.pages);
    assert.deepEqual(pages.cached, model.cached().length);
    assert.deepEqual(pages.blank, model.blank().length);
    model.referenceCounts().forEach((count, page) => {
      if (page === 0) return;
      const node = pages.node(page);
      assert.deepEqual(pages.references(page), count);
      assert.deepEqual(node && prefixOfNode(node), model.memory[page]!.prefix);
      this.#checkNamed(page);
    });
    const prefixes = new Set(model.memory.flatMap(({ prefix }) => prefix ?? []));
    assert.deepEqual(this.replayed, prefixes);
    this.#forgetPriorities(prefixes);
    for (const state of this.sequences) this.#checkSequence(state);
    assert.deepEqual(this.sequences.length, model.sequences.size);
  }

  // A prefix that nothing is left of starts anew.
  #forgetPriorities(prefixes: Set<string>): void {
    const { model } = this;
    const committed = [...model.sequences.values()].map((s) => model.committedPrefix(s));
    const alive = [...prefixes, ...committed];
    model.priorities = new Map(
      [...model.priorities].filter(([prefix]) =>
        alive.some((other) => other === prefix || other.startsWith(`${prefix}|`)),
      ),
    );
  }

  #checkNamed(page: number): void {
    const { prefix, rows } = this.model.memory[page]!;
    if (prefix === undefined) return;
    const tokens = pagesOf(prefix).flatMap((part) => part.split(','));
    const first = tokens.length - this.options.pageSize;
    for (const layer of rows) {
      for (let i = 0; i < this.options.pageSize; i++) {
        assert.deepEqual(layer[i], tokens.slice(0, first + i + 1).join());
      }
    }
  }

  #checkSequence(state: SequenceState): void {
    const { pageSize } = this.options;
    const sequence = this.modelOf(state);
    const { tokens, counts, committed, pages } = sequence;
    assert.deepEqual([...state.table.entries], pages);
    assert.deepEqual([...state.counts], counts);
    assert.deepEqual(lengthOf(state), Math.min(...counts));
    assert.deepEqual(state.committed, committed);
    assert.deepEqual(state.pending, tokens.slice(committed - (committed % pageSize), committed));
    counts.forEach((count, layer) => {
      for (let position = 0; position < count; position++) {
        const page = pages[Math.floor(position / pageSize)]!;
        if (page === 0) continue;
        const row = this.model.memory[page]!.rows[layer]![position % pageSize];
        assert.deepEqual(row, contentAt(sequence, position));
      }
    });
  }
}

// Keys depend on all tokens up to theirs.
const contentAt = ({ tokens }: ModelSequence, position: number): string =>
  tokens.slice(0, position + 1).join();

function prefixOfNode(node: PrefixNode): string {
  const parts: string[] = [];
  let at = node;
  for (; at.parent; at = at.parent) parts.unshift(at.tokens.join());
  return [saltOf.get(at.name)!, ...parts].join('|');
}
