import type { Gpu } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type KvSequence,
  memoryStore,
  PagedKvCache,
  type StoredEvent,
} from '../../../src/index.ts';
import { layers, type Served, spansOf } from './serve.ts';
import { write } from './stored.ts';
import { cached, cumulative, lengthOf, tokensOf, Toy, toyShape } from './toy.ts';

let gpu: Gpu;
let toy: Toy;
beforeAll(async () => {
  gpu = await testGpu();
  toy = new Toy(gpu);
});

const create = (options: { pages?: number; window?: number; sinkTokens?: number } = {}) =>
  PagedKvCache.create(gpu, {
    ...cached(toyShape),
    layers,
    pageSize: 4,
    pages: 12,
    dtype: 'f32',
    ...options,
  });

/** Appends tokens to the first `count` layers. */
function extend(
  cache: PagedKvCache,
  served: readonly Served[],
  news: readonly (readonly number[])[],
  count = layers,
): void {
  const spans = spansOf(served, news);
  const cuSeqlens = cumulative(spans.map(lengthOf));
  const sequences = served.map(({ sequence }) => sequence);
  for (let layer = 0; layer < count; layer++) {
    using k = toy.rows('k', layer, spans);
    using v = toy.rows('v', layer, spans);
    cache.append(layer, sequences, k, v, { cuSeqlens });
  }
}

/** What attention reads of each sequence, in each layer. */
async function expectTables(cache: PagedKvCache, sequences: readonly KvSequence[]): Promise<void> {
  for (let layer = 0; layer < layers; layer++) {
    const { blockTable } = cache.view(layer, sequences);
    const [table, width] = [[...(await blockTable.read())], blockTable.shape[1]!];
    sequences.forEach(({ pages }, i) => {
      expect(table.slice(i * width, i * width + pages.length)).toEqual(pages);
    });
  }
}

const opened = (cache: PagedKvCache): Served => ({ sequence: cache.open(), tokens: [] });

describe('sequence.pages', () => {
  it('are those of the block table: found, appended, shared, copied, truncated', async () => {
    using cache = await create();
    const tokens = tokensOf(new Rng(1), 10);
    const first = write(cache, toy, tokens);
    expect(first.sequence.pages).toEqual([1, 2, 3]);
    const second = cache.open({ tokens });
    expect(second.pages).toEqual([1, 2]);
    const fork = first.sequence.fork();
    expect(fork.pages).toEqual([1, 2, 3]);
    await expectTables(cache, [first.sequence, second, fork]);

    const before = fork.pages;
    extend(cache, [{ sequence: fork, tokens }, first], [[7, 7, 7], [8]]);
    expect(fork.pages).toEqual([1, 2, 4, 5]);
    expect(first.sequence.pages).toEqual([1, 2, 3]);
    // What was given out is a copy.
    expect(before).toEqual([1, 2, 3]);
    await expectTables(cache, [fork, second, first.sequence]);

    fork.truncate(8);
    expect(fork.pages).toEqual([1, 2]);
    await expectTables(cache, [fork, first.sequence]);
    fork.close();
    expect(fork.pages).toEqual([]);
    expect(second.pages).toEqual([1, 2]);
  });

  it('in the middle of a step are those of the layer that is ahead', async () => {
    using cache = await create();
    const one = opened(cache);
    extend(cache, [one], [[1, 2, 3]]);
    extend(cache, [one], [[4, 5]], 1);
    expect(one.sequence.length).toBe(3);
    expect(one.sequence.pages).toEqual([1, 2]);
    await expectTables(cache, [one.sequence]);
  });

  it.for([
    [0, [0, 0, 3, 4, 5]],
    [3, [1, 0, 3, 4, 5]],
  ] as const)(
    'are 0 where a window has released them, with %i sinks',
    async ([sinkTokens, want]) => {
      using cache = await create({ window: 5, sinkTokens });
      const one = opened(cache);
      const tokens = tokensOf(new Rng(2), 17);
      extend(cache, [one], [tokens.slice(0, 16)]);
      one.sequence.commit(tokens.slice(0, 16));
      extend(cache, [one], [tokens.slice(16)]);
      expect(one.sequence.pages).toEqual(want);
      const found = cache.open({ tokens });
      expect(found.pages).toEqual(want.slice(0, 4));
      await expectTables(cache, [one.sequence, found]);
    },
  );
});

describe('the page of an event', () => {
  it('holds the prefix, of a commit and of a load', async () => {
    const store = memoryStore();
    for (const isNew of [true, false]) {
      using cache = await create();
      const pages: number[] = [];
      cache.on('stored', ({ page }) => pages.push(page));
      const tokens = tokensOf(new Rng(3), 13);
      if (!isNew) {
        write(cache, toy, [0]); // another page than the first time
        await cache.load(store);
        expect(pages).toEqual([2, 3, 4]);
      }
      expect(cache.stats().lookups).toBe(isNew ? 0 : 1);
      const { sequence } = write(cache, toy, tokens);
      expect(pages).toEqual(sequence.pages.slice(0, 3));
      if (isNew) await cache.save(store);
    }
  });

  it('held it last, when it is removed', async () => {
    using cache = await create({ pages: 4 });
    const stored = new Map<string, StoredEvent>();
    const removed: number[] = [];
    cache.on('stored', (event) => stored.set(event.name, event));
    cache.on('removed', ({ name, page }) => {
      expect(page).toBe(stored.get(name)!.page);
      removed.push(page);
    });
    write(cache, toy, tokensOf(new Rng(4), 12)).sequence.close();
    const { sequence } = write(cache, toy, tokensOf(new Rng(5), 12));
    expect(removed).toEqual([3, 2]);
    expect(sequence.pages).toEqual([4, 3, 2]);
  });
});
