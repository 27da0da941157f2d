import type { Gpu } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type KvSequence,
  memoryStore,
  PagedKvCache,
  prefixNames,
  type StoredEvent,
} from '../../src/index.ts';
import { rootName } from '../../src/pages/page-name.ts';
import { FollowedCache, wholeNumbers, wholeShape } from '../gpu/cache/followed.ts';
import {
  cached,
  cumulative,
  keysByDepth,
  layers,
  lengthOf,
  type Served,
  spansOf,
  tokensOf,
  Toy,
  toyShape,
  write,
} from '../gpu/cache/toy.ts';
import { program } from '../unit/ledger/program.ts';

let gpu: Gpu;
let toy: Toy;
beforeAll(async () => {
  gpu = await testGpu();
  toy = new Toy(gpu);
});

const create = (pages: number): Promise<PagedKvCache> =>
  PagedKvCache.create(gpu, {
    ...cached(toyShape),
    layers,
    pageSize: 2,
    pages,
    dtype: 'f32',
    poison: true,
  });

/** Returns the prefixes of a cache, as derived from its events. */
function replay(cache: PagedKvCache): Map<string, StoredEvent> {
  const known = new Map<string, StoredEvent>();
  cache.on('stored', (event) => {
    expect(known.has(event.name)).toBe(false);
    known.set(event.name, event);
  });
  cache.on('removed', ({ name }) => {
    expect(known.delete(name)).toBe(true);
  });
  cache.on('cleared', () => known.clear());
  return known;
}

/** Returns the prefixes of a cache, as derived from the names under which it saves. */
async function namesOf(cache: PagedKvCache): Promise<string[]> {
  const store = memoryStore();
  await cache.save(store);
  return (await keysByDepth(store)).map((key) => key.split('.').at(-1)!).toSorted();
}

/** Expects `prefixes()` to be what the replay of the events knows, parents first. */
function expectPrefixes(cache: PagedKvCache, known: Map<string, StoredEvent>): void {
  const prefixes = cache.prefixes();
  const withoutPage = (event: StoredEvent) => ({ ...event, page: 0 });
  const byName = (a: StoredEvent, b: StoredEvent): number => (a.name < b.name ? -1 : 1);
  expect(prefixes.toSorted(byName).map(withoutPage)).toEqual(
    [...known.values()].toSorted(byName).map(withoutPage),
  );
  const depths = prefixes.map(({ depth }) => depth);
  expect(depths).toEqual(depths.toSorted((a, b) => a - b));
}

describe('events', () => {
  it('replayed give the prefixes that the cache has, after any program', async () => {
    const small = new Toy(gpu, wholeShape, wholeNumbers);
    const { kvHeads, headDim } = wholeShape;
    const shape = { layers: 1, kvHeads, headDim, pageSize: 2, pages: 9, dtype: 'f32' } as const;
    let most = 0;
    const property = fc.asyncProperty(program(120), async (ops) => {
      using cache = await PagedKvCache.create(gpu, { ...shape, poison: true });
      const known = replay(cache);
      const followed = new FollowedCache(cache, 1, small);
      for (const [i, op] of ops.entries()) {
        await followed.run(op);
        most = Math.max(most, known.size);
        expectPrefixes(cache, known);
        if (i % 30 === 29) expect([...known.keys()].toSorted()).toEqual(await namesOf(cache));
      }
    });
    await fc.assert(property, { seed: 3, numRuns: 5, endOnFailure: true });
    expect(most).toBeGreaterThan(3);
  });

  it('tell the tokens and what comes before them', async () => {
    using cache = await create(8);
    const known = replay(cache);
    write(cache, toy, [1, 2, 3, 4, 5], 'tenant').sequence.close();
    const [first, second] = [...known.values()];
    expect(first).toMatchObject({ parent: rootName('tenant'), depth: 0 });
    expect(second).toMatchObject({ parent: first!.name, depth: 1 });
    expect([...first!.tokens, ...second!.tokens]).toEqual([1, 2, 3, 4]);
  });

  it('of a listener that comes late begin with prefixes()', async () => {
    using cache = await create(8);
    write(cache, toy, [1, 2, 3, 4, 5], 'tenant').sequence.close();
    const known = new Map(cache.prefixes().map((event) => [event.name, event]));
    const names = prefixNames([1, 2, 3, 4, 5], { pageSize: 2, salt: 'tenant' });
    expect([...known.keys()]).toEqual(names);
    cache.on('stored', (event) => known.set(event.name, event));
    cache.on('removed', ({ name }) => known.delete(name));
    write(cache, toy, tokensOf(new Rng(8), 13)).sequence.close();
    expect(known.size).toBe(7); // the eighth page is partly filled
    expectPrefixes(cache, known);
    cache.clear();
    expect(cache.prefixes()).toEqual([]);
  });

  it('stop when the listener is taken away; one that was added twice is told twice', async () => {
    using cache = await create(8);
    let told = 0;
    const listener = (): void => void told++;
    const off = cache.on('stored', listener);
    cache.on('stored', listener);
    write(cache, toy, [1, 2]).sequence.close();
    expect(told).toBe(2);
    off();
    off();
    write(cache, toy, [3, 4]).sequence.close();
    expect(told).toBe(3);
  });

  it('reach all listeners when one throws; the call has been done, and says what was thrown', async () => {
    using cache = await create(8);
    const fault = new Error('mine');
    cache.on('stored', () => {
      throw fault;
    });
    const known = replay(cache);
    expect(() => write(cache, toy, [1, 2, 3, 4, 5])).toThrow(fault);
    expect(known.size).toBe(2);
    expect(cache.stats()).toMatchObject({ used: 3, sequences: 1 });
    using sequence = cache.open({ tokens: [1, 2, 3, 4, 5] });
    expect(sequence.cachedTokens).toBe(4);

    cache.on('removed', () => {
      throw fault;
    });
    const k = gpu.empty([10, toyShape.kvHeads, toyShape.headDim]);
    const all = cache.open();
    for (const layer of [0, 1]) cache.append(layer, [all], k, k);
    all.close();
    const store = memoryStore();
    const other = await create(8);
    write(other, toy, [9, 9, 9]).sequence.close();
    await other.save(store);
    other.dispose();
    await expect(cache.load(store)).rejects.toBe(fault);
    expect(known.size).toBe(3);
    expect([...known.keys()].toSorted()).toEqual(await namesOf(cache));
  });

  it('may be answered by calls of the same cache', async () => {
    using cache = await create(12);
    const known = replay(cache);
    const hits: number[] = [];
    let depth = 0;
    cache.on('stored', ({ tokens }) => {
      if (depth > 3) return;
      depth++;
      // Opens, appends, commits, forks, truncates and closes in a listener of the first commit.
      using sequence = cache.open({ tokens: [...tokens, 0] });
      hits.push(sequence.cachedTokens);
      const inner = write(cache, toy, [depth, depth, 7]);
      using child = inner.sequence.fork();
      child.truncate(1);
      inner.sequence.close();
    });
    cache.on('removed', () => void cache.stats());
    const rng = new Rng(6);
    for (let round = 0; round < 6; round++) write(cache, toy, tokensOf(rng, 7)).sequence.close();
    expect(hits.length).toBe(4);
    expect(hits[0]).toBe(2);
    expect(cache.stats()).toMatchObject({ used: 0, sequences: 0 });
    expect([...known.keys()].toSorted()).toEqual(await namesOf(cache));
  });

  it('may close or dispose the cache itself', async () => {
    const cache = await create(8);
    cache.on('stored', () => cache.dispose());
    const { sequence } = write(cache, toy, [1, 2, 3]);
    expect(() => cache.stats()).toThrow(/disposed/);
    sequence.close();
  });
});

const createPaged = (options: { pages?: number; window?: number; sinkTokens?: number } = {}) =>
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

/** Expects the block tables that attention reads to equal `sequence.pages`, in each layer. */
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
    using cache = await createPaged();
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
    // The returned array is a copy.
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
    using cache = await createPaged();
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
      using cache = await createPaged({ window: 5, sinkTokens });
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
      using cache = await createPaged();
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
    using cache = await createPaged({ pages: 4 });
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
