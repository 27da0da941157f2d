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
  counts: number[];
  committed: number;
}

interface KeptView {
  readonly view: KvView;
  readonly layer: number;
  readonly spans: readonly Span[];
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
        return this.#append(some, op.tokens, Math.min(op.layers, this.layers));
      }
      default: {
        const one = this.sequences[op.which % this.sequences.length];
        // A page is saved as it is now, whatever becomes of it before the store has it.
        const saving =
          one && op.op === 'close'
            ? this.cache.save(this.#store, { sequences: [one.sequence] })
            : undefined;
        if (one) this.#runOn(one, op.op, 'count' in op ? op.count : 0);
        await saving;
      }
    }
  }

  #runOn(one: Followed, op: Op['op'], count: number): void {
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
    this.sequences.push({ sequence, tokens: known, counts, committed: found });
  }

  #truncate(one: Followed, length: number): void {
    try {
      one.sequence.truncate(length);
    } catch (error) {
      assert.match(String(error), /window/);
      return;
    }
    one.tokens.length = 1 + length;
    one.counts.fill(length);
    one.committed = Math.min(one.committed, length);
  }

  #append(some: Followed[], news: number[][], layers: number): void {
    if (some.length === 0) return;
    // A step that some layers have not seen is finished before the next one.
    const added = some.map((one, i) => (isEven(one) ? news[i]! : []));
    for (let layer = 0; layer < layers; layer++) {
      const spans = some.map(({ tokens, counts }, i): Span => {
        const all = layer === 0 ? [...tokens, ...added[i]!] : tokens;
        return { tokens: all, start: 1 + counts[layer]!, end: all.length };
      });
      if (!this.#appendLayer(layer, some, spans)) return;
      some.forEach((one, i) => {
        one.tokens = [...spans[i]!.tokens];
        one.counts[layer] = one.tokens.length - 1;
      });
    }
  }

  #appendLayer(layer: number, some: Followed[], spans: Span[]): boolean {
    const before = this.#state();
    using k = this.toy.rows('k', layer, spans);
    using v = this.toy.rows('v', layer, spans);
    const cuSeqlens = cumulative(spans.map(({ start, end }) => end - start));
    try {
      const sequences = some.map(({ sequence }) => sequence);
      this.cache.append(layer, sequences, k, v, { cuSeqlens });
      return true;
    } catch (error) {
      assert.ok(error instanceof CapacityError, String(error));
      assert.deepEqual(this.#state(), before);
      return false;
    }
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
    const spans = some.map(({ tokens, counts }): Span => {
      return { tokens: [...tokens], start: 1, end: 1 + counts[layer]! };
    });
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

const isEven = ({ counts }: Followed): boolean => counts.every((count) => count === counts[0]);
