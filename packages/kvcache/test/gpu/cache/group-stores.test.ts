import type { Gpu } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type KvStore, memoryStore, PagedKvCache } from '../../../src/index.ts';
import { full, type Kind, LayeredToy, sliding } from './model-layers.ts';
import { type Served, tokensOf } from './toy.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const pageSize = 4;
const kinds: readonly Kind[] = [
  { layers: [0, 1, 3, 4], sight: sliding(9) },
  { layers: [2, 5], sight: full },
];
const prompt = tokensOf(new Rng(1), 41);

const create = (toy: LayeredToy, pages = 80): Promise<PagedKvCache> =>
  PagedKvCache.create(gpu, { groups: toy.groups, pageSize, pages, poison: true });

/** Computes the prompt in steps of eight tokens, and saves it at each commit or at the end. */
async function saved(toy: LayeredToy, when: 'at each commit' | 'at the end'): Promise<KvStore> {
  const store = memoryStore();
  using cache = await create(toy, when === 'at the end' ? 22 : 80);
  const served: Served = { sequence: cache.open(), tokens: [] };
  for (let at = 0; at < 40; at += 8) {
    const news = prompt.slice(at, at + 8);
    await toy.step(cache, [served], [news]);
    served.sequence.commit(news);
    if (when === 'at the end') continue;
    await cache.save(store, { sequences: [served.sequence] });
  }
  if (when === 'at the end') await cache.save(store);
  return store;
}

/** Expects that the prompt is found, and that the next token attends as over contiguous memory. */
async function expectFound(toy: LayeredToy, cache: PagedKvCache, found: number): Promise<void> {
  const sequence = cache.open({ tokens: prompt });
  expect(sequence.cachedTokens).toBe(found);
  await toy.step(cache, [{ sequence, tokens: prompt.slice(0, found) }], [prompt.slice(found)]);
  sequence.close();
}

async function recordsByGroup(store: KvStore): Promise<number[]> {
  const counts = [0, 0];
  for await (const key of store.keys()) counts[Number(key.split('.')[3])]!++;
  return counts;
}

describe.for(['at each commit', 'at the end'] as const)('groups saved %s', (when) => {
  it('are loaded by a worker that has never seen them: the prompt, or all', async () => {
    const toy = new LayeredToy(gpu, kinds);
    const store = await saved(toy, when);
    const [windowed, whole] = await recordsByGroup(store);
    expect(whole).toBe(10);
    // At the end, what the window has released is gone: the full layers have taken its memory.
    if (when === 'at the end') expect(windowed).toBeLessThan(10);
    else expect(windowed).toBe(10);
    using one = await create(toy);
    const { hold, ...report } = await one.load(store, { tokens: prompt });
    expect(report).toEqual({ loaded: 10 + 3, known: 0, left: 0, refused: [] });
    await expectFound(toy, one, 40);
    hold![Symbol.dispose]();
    expect(one.stats().loadedTokens).toBe(40);
    using other = await create(toy);
    expect(await other.load(store)).toMatchObject({ loaded: whole! + windowed!, refused: [] });
    await expectFound(toy, other, 40);
  });
});

describe('a store that lacks records of groups', () => {
  it('gives the longest run that all groups have', async () => {
    const toy = new LayeredToy(gpu, kinds);
    const store = await saved(toy, 'at each commit');
    const lose = async (group: number, depth: number): Promise<void> => {
      for await (const key of store.keys()) {
        if (key.split('.').slice(3, 5).join('.') === `${group}.${depth}`) await store.delete(key);
      }
    };
    await lose(0, 8); // windowed layers: ends at 9 to 10 pages see it
    using first = await create(toy);
    const loaded = await first.load(store, { tokens: prompt });
    await expectFound(toy, first, 32);
    loaded.hold![Symbol.dispose]();
    await lose(1, 5); // full layers
    using second = await create(toy);
    (await second.load(store, { tokens: prompt })).hold![Symbol.dispose]();
    await expectFound(toy, second, 20);
  });

  it('belongs to one deal of layers: others find nothing', async () => {
    const toy = new LayeredToy(gpu, kinds);
    const store = await saved(toy, 'at the end');
    const others = new LayeredToy(gpu, [
      { layers: [0, 1, 2, 3], sight: sliding(9) },
      { layers: [4, 5], sight: full },
    ]);
    using cache = await create(others);
    expect(await cache.load(store)).toMatchObject({ loaded: 0, refused: [] });
  });

  it('takes what fits, full layers first', async () => {
    const toy = new LayeredToy(gpu, kinds);
    const store = await saved(toy, 'at each commit');
    using cache = await create(toy, 9); // one block for each full page, two for each windowed one
    const { hold, loaded, left } = await cache.load(store, { tokens: prompt });
    expect([loaded, left]).toEqual([9, 4]);
    hold![Symbol.dispose]();
    expect(cache.open({ tokens: prompt }).cachedTokens).toBe(0);
  });
});
