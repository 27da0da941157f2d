import { CapacityError } from '@heed/core';
import type { Rng } from '@heed/testing';
import assert from 'node:assert/strict';
import {
  type KvSequence,
  type KvStore,
  memoryStore,
  type PagedKvCache,
  type KvView,
} from '../../../src/index.ts';
import type { Op } from '../../unit/ledger/program.ts';
import { expectRows, poisonedPages } from './readback.ts';
import { cumulative, type Span, type Toy, type ToyShape } from './toy.ts';

/** A sequence, and a model of it that stores every token. */
export interface Followed {
  readonly sequence: KvSequence;
  /** The tokens on which its rows depend. The first stands for the salt. */
  tokens: number[];
  /** A span of one token for each row. */
  rows: Span[];
  isPrivate: boolean;
  counts: number[];
  committed: number;
}

interface KeptView {
  readonly view: KvView;
  readonly layer: number;
  readonly spans: readonly (readonly Span[])[];
}

const salts = ['', 'other'] as const;

/** Whole numbers with a largest magnitude of 127, which int8 pages store exactly, with a scale of 1. */
export const wholeNumbers = (rng: Rng, count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) =>
    i % wholeShape.headDim === 0 ? 127 : rng.int(-127, 127),
  );

export const wholeShape: ToyShape = { qHeads: 2, kvHeads: 2, headDim: 8, headDimV: 8 };

/** Runs programs on a cache and tracks the tokens that each sequence must hold. */
export class FollowedCache {
  readonly cache: PagedKvCache;
  readonly layers: number;
  readonly toy: Toy;
  readonly sequences: Followed[] = [];
  readonly #sinkTokens: number;
  readonly #store: KvStore = memoryStore();
  readonly #views: KeptView[] = [];
  #checks = 0;
  /** Number of repeated comparisons of views whose sequences had not changed. */
  oldViews = 0;

  constructor(cache: PagedKvCache, layers: number, toy: Toy, sinkTokens = 0) {
    this.cache = cache;
    this.layers = layers;
    this.toy = toy;
    this.#sinkTokens = sinkTokens;
  }

  /** Runs one call if the state allows it. */
  async run(op: Op): Promise<void> {
    switch (op.op) {
      case 'open':
        return this.#openLoaded(op.salt % salts.length, op.tokens, op.priority);
      case 'save':
        return void (await this.cache.save(this.#store));
      case 'load':
        return this.#load();
      case 'clear':
        return this.sequences.length === 0 ? this.cache.clear() : undefined;
      case 'append': {
        const all = op.which.map((i) => this.sequences[i % this.sequences.length]);
        const some = [...new Set(all.filter((one) => one !== undefined))];
        this.#append(some, op.tokens, Math.min(op.layers, this.layers));
        return;
      }
      default: {
        const one = this.sequences[op.which % this.sequences.length];
        // A page is saved as it is now, whatever becomes of it before the store has it.
        const saving =
          one && op.op === 'close'
            ? this.cache.save(this.#store, { sequences: [one.sequence] })
            : undefined;
        if (one) this.#runOn(one, op);
        await saving;
      }
    }
  }

  #runOn(one: Followed, { op, ...rest }: Op): void {
    const count = 'count' in rest ? rest.count : 0;
    if (op === 'close') {
      one.sequence.close();
      this.sequences.splice(this.sequences.indexOf(one), 1);
      return;
    }
    if (!isEven(one)) return this.#refused(() => one.sequence.fork(), /all layers/);
    const { length } = one.sequence;
    if (op === 'fork') {
      this.sequences.push({
        ...structuredClone({ ...one, sequence: null }),
        sequence: one.sequence.fork(),
      });
    } else if (op === 'keep' && 'first' in rest) {
      const { first, mask } = rest;
      const isKept = (i: number): boolean => i < first % (length + 1) || mask[i % mask.length]!;
      this.#keep(one, (i) => isKept(i));
    } else if (op === 'draft' && 'branch' in rest) {
      this.#draft(one, rest.tokens, rest.mask, rest.branch);
    } else if (one.isPrivate && (op === 'commit' || op === 'overcommit')) {
      this.#refused(() => one.sequence.commit([]), /cannot be committed/);
    } else if (op === 'commit') {
      const tokens = one.tokens
        .slice(1 + one.committed)
        .slice(0, count % (length - one.committed + 1));
      one.sequence.commit(tokens);
      one.committed += tokens.length;
    } else if (op === 'truncate') {
      this.#truncate(one, count % (length + 1));
    } else if (op === 'overcommit') {
      const tokens = new Uint32Array(length - one.committed + 1);
      this.#refused(() => one.sequence.commit(tokens), /at most/);
    } else {
      this.#refused(() => one.sequence.truncate(length + 1), /length must be/);
    }
  }

  /** Opens a sequence; of high priority, after a load of its prompt. */
  async #openLoaded(salt: number, tokens: number[], priority: number): Promise<void> {
    if (priority < 2) return this.#open(salt, tokens, priority);
    const options = { tokens, salt: salts[salt]! };
    const { hold, refused } = await this.cache.load(this.#store, options);
    assert.deepEqual(refused, []);
    this.#open(salt, tokens, priority);
    hold![Symbol.dispose]();
  }

  #open(salt: number, tokens: number[], priority: number): void {
    const sequence = this.cache.open({ tokens, salt: salts[salt]!, priority });
    const found = sequence.cachedTokens;
    assert.ok(found <= Math.max(0, tokens.length - 1));
    const counts = Array.from({ length: this.layers }, () => found);
    const known = [salt, ...tokens.slice(0, found)];
    const rows = known.slice(1).map((_, i) => rowOf(known, i));
    const isPrivate = false;
    this.sequences.push({ sequence, tokens: known, rows, isPrivate, counts, committed: found });
  }

  #truncate(one: Followed, length: number): void {
    try {
      one.sequence.truncate(length);
    } catch (error) {
      assert.match(String(error), /window/);
      return;
    }
    one.tokens.length = 1 + length;
    one.rows.length = length;
    one.counts.fill(length);
    one.committed = Math.min(one.committed, length);
  }

  /** Appends tokens, whose rows may be given. Returns whether the cache had room. */
  #append(some: Followed[], news: number[][], layers: number, given?: Span[]): boolean {
    if (some.length === 0) return true;
    // A step that some layers have not seen is finished before the next one.
    const steps = some.map((one, i) => {
      const tokens = isEven(one) ? [...one.tokens, ...news[i]!] : one.tokens;
      const fresh = tokens.slice(one.tokens.length);
      const rows = given ?? fresh.map((_, n) => rowOf(tokens, one.rows.length + n));
      return { tokens, rows: [...one.rows, ...rows] };
    });
    for (let layer = 0; layer < layers; layer++) {
      const spans = some.map(({ counts }, i) => steps[i]!.rows.slice(counts[layer]));
      if (!this.#appendLayer(layer, some, spans)) return false;
      some.forEach((one, i) => {
        Object.assign(one, steps[i]);
        one.counts[layer] = one.rows.length;
      });
    }
    return true;
  }

  #appendLayer(layer: number, some: Followed[], spans: Span[][]): boolean {
    const before = this.#state();
    using k = this.toy.rows('k', layer, spans.flat());
    using v = this.toy.rows('v', layer, spans.flat());
    const cuSeqlens = cumulative(spans.map(({ length }) => length));
    const sequences = some.map(({ sequence }) => sequence);
    const counts = spans.map(({ length }) => length);
    const fits = some.every(isEven) ? this.cache.canAppend(sequences, counts) : undefined;
    try {
      this.cache.append(layer, sequences, k, v, { cuSeqlens });
      assert.notEqual(fits, false);
      return true;
    } catch (error) {
      assert.ok(error instanceof CapacityError, String(error));
      assert.notEqual(fits, true);
      assert.deepEqual(this.#state(), before);
      return false;
    }
  }

  /** Appends a tree of drafted tokens, and keeps a path, after a fork has gone back to before the tree. */
  #draft(one: Followed, tokens: number[], isPath: boolean[], branch: 'no' | 'tree'): void {
    const from = one.rows.length;
    const path = [...one.tokens];
    const rows = tokens.map((token, i): Span => {
      if (!isPath[i]) return rowOf([...path, token, 70 + i], path.length);
      path.push(token);
      return rowOf([...path], path.length - 2);
    });
    if (!this.#append([one], [tokens], this.layers, rows)) return;
    if (branch === 'tree') {
      this.#runOn(one, { op: 'fork', which: 0 });
      this.#truncate(this.sequences.at(-1)!, from);
    }
    if (this.#keep(one, (i) => isPath[i - from]!, from)) assert.deepEqual(one.tokens, path);
    else this.#truncate(one, from);
  }

  /** Returns whether the rows were kept: a window or a lack of pages may have been in the way. */
  #keep(one: Followed, isKept: (row: number) => boolean, from?: number): boolean {
    const before = this.#state();
    const start = from ?? 0;
    const rows = one.rows.flatMap((_, i) => (i >= start && isKept(i) ? [i] : []));
    try {
      one.sequence.keep(rows, from === undefined ? {} : { from });
    } catch (error) {
      assert.match(String(error), /the window of|the copies of shared pages need/);
      assert.deepEqual(this.#state(), before);
      return false;
    }
    if (start + rows.length === one.rows.length) return true;
    const left = [...Array(start).keys(), ...rows];
    const changed = left.findIndex((row, i) => row !== i);
    one.committed = Math.min(one.committed, changed < 0 ? left.length : changed);
    one.tokens = [one.tokens[0]!, ...left.map((i) => one.tokens[1 + i]!)];
    one.rows = left.map((i) => one.rows[i]!);
    one.counts.fill(left.length);
    if (from === undefined) {
      one.isPrivate = true;
      one.tokens[0] = 100 + one.sequence.id; // its rows are like no other's from now on
    }
    return true;
  }

  // Into a cleared cache, if no sequence is open.
  async #load(): Promise<void> {
    if (this.sequences.length === 0) this.cache.clear();
    const { refused } = await this.cache.load(this.#store);
    assert.deepEqual(refused, []);
  }

  #refused(call: () => unknown, message: RegExp): void {
    const before = this.#state();
    assert.throws(call, message);
    assert.deepEqual(this.#state(), before);
  }

  #state(): unknown {
    return [this.cache.stats(), this.sequences.map(({ sequence }) => sequence.length)];
  }

  /** Reads back every row of every live sequence, in all layers, and compares it with the model. */
  async check(): Promise<void> {
    const { cache, sequences } = this;
    const { pages, used, cached, free } = cache.stats();
    assert.equal(used + cached + free, pages);
    for (const { sequence, counts } of sequences)
      assert.equal(sequence.length, Math.min(...counts));
    for (let layer = 0; layer < this.layers; layer++) {
      const { view } = await this.#checkView(layer, sequences);
      // With poison, a free page is NaN in every row.
      assert.ok((await poisonedPages(view.k)) >= free);
    }
    await this.#checkOldViews();
    const one = sequences[this.#checks++ % Math.max(1, sequences.length)];
    this.#views.push(await this.#checkView(this.#checks % this.layers, one ? [one] : []));
    this.#views.splice(0, Math.max(0, this.#views.length - 3));
  }

  async #checkView(layer: number, some: readonly Followed[]): Promise<KeptView> {
    const spans = some.map(({ rows, counts }) => rows.slice(0, counts[layer]));
    const sequences = some.map(({ sequence }) => sequence);
    const view = this.cache.view(layer, sequences);
    const [table, width] = [[...(await view.blockTable.read())], view.blockTable.shape[1]!];
    sequences.forEach(({ pages }, i) => {
      assert.deepEqual(table.slice(i * width, i * width + pages.length), pages);
    });
    await expectRows(view, layer, this.toy, spans, this.#sinkTokens);
    return { view, layer, spans };
  }

  /** Checks that a view that is still valid has not changed. */
  async #checkOldViews(): Promise<void> {
    for (const { view, layer, spans } of this.#views) {
      try {
        void view.blockTable;
      } catch (error) {
        assert.match(String(error), /a view is valid until its sequences change/);
        continue;
      }
      await expectRows(view, layer, this.toy, spans, this.#sinkTokens);
      if (spans.length > 0) this.oldViews++;
    }
  }
}

/** The span of a row: that of token row + 1, since the first stands for the salt. */
const rowOf = (tokens: readonly number[], row: number): Span => {
  return { tokens, start: row + 1, end: row + 2 };
};

const isEven = ({ counts }: Followed): boolean => counts.every((count) => count === counts[0]);
