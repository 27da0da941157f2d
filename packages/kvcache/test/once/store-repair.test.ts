import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Gpu } from '@heed/core';
import { kernelCount } from '@heed/core/kernel';
import { ownGpu, Rng, testGpu } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CacheOptions, type KvStore, memoryStore, PagedKvCache } from '../../src/index.ts';
import { fsStore } from '../../src/node.ts';
import {
  attend,
  cached,
  depthOf,
  keysByDepth,
  layers,
  tokensOf,
  Toy,
  toyShape,
  write,
} from '../gpu/cache/toy.ts';

let gpu: Gpu;
let toy: Toy;
beforeAll(async () => {
  gpu = await testGpu();
  toy = new Toy(gpu);
});

const create = (options: Partial<CacheOptions> = {}): Promise<PagedKvCache> =>
  PagedKvCache.create(gpu, {
    ...cached(toyShape),
    layers,
    pageSize: 2,
    pages: 12,
    dtype: 'f32',
    poison: true,
    ...options,
  });

const tokens = tokensOf(new Rng(31), 13);

describe('a damaged record', () => {
  it('is written again by the save after the load that refused it', async () => {
    const store = memoryStore();
    using first = await create();
    write(first, toy, tokens).sequence.close();
    await first.save(store);
    const [root] = (await keysByDepth(store)) as [string];
    const whole = (await store.get(root))!;
    await store.put(root, whole.with(150, whole[150]! ^ 1));

    using second = await create();
    const report = await second.load(store);
    expect(report.loaded).toBe(0);
    expect(report.refused[0]).toMatchObject({ key: root, refused: 'checksum' });
    write(second, toy, tokens).sequence.close();
    expect(await second.save(store)).toMatchObject({ saved: 1, known: 5 });
    expect(await store.get(root)).toEqual(whole);
    expect(await second.save(store)).toMatchObject({ saved: 0, known: 6 });

    using third = await create();
    expect(await third.load(store)).toMatchObject({ loaded: 6, refused: [] });
  });
});

describe('a cache with a window', () => {
  const windowed = { window: 4, pages: 8 };
  const long = tokensOf(new Rng(32), 41);
  const found = (cache: PagedKvCache, of = long): number => {
    const sequence = cache.open({ tokens: of });
    sequence.close();
    return sequence.cachedTokens;
  };
  /** Appends token by token, so that the window releases the first pages. */
  const stream = async (): Promise<PagedKvCache> => {
    const cache = await create(windowed);
    const sequence = cache.open();
    for (const token of long) {
      for (let layer = 0; layer < layers; layer++) {
        const span = [{ tokens: [token], start: 0, end: 1 }];
        cache.append(layer, [sequence], toy.rows('k', layer, span), toy.rows('v', layer, span));
      }
      sequence.commit([token]);
    }
    sequence.close();
    return cache;
  };

  it('gives a store the pages behind what it has released, and gets them back', async () => {
    const store = memoryStore();
    using first = await stream();
    expect(found(first)).toBe(40);
    const saved = await first.save(store);
    expect(saved).toMatchObject({ saved: first.stats().cached, lost: 0 });
    const links = (await keysByDepth(store)).filter((key) => key.endsWith('.link'));
    expect(links).toHaveLength(20 - saved.saved);
    expect(await first.save(store)).toMatchObject({ saved: 0, bytes: 0 });

    using second = await create(windowed);
    expect(await second.load(store)).toMatchObject({ loaded: saved.saved, left: 0, refused: [] });
    expect(found(second)).toBe(40);
    // A released page that is computed again is saved, next to its link.
    write(second, toy, long.slice(0, 5)).sequence.close();
    expect((await second.save(store)).saved).toBeGreaterThan(0);
    using third = await create({ window: 4, pages: 20 });
    expect(await third.load(store)).toMatchObject({ left: 0, refused: [] });
    expect([found(third), found(third, long.slice(0, 5))]).toEqual([40, 4]);
  });

  it('has no use for links without a window: what goes on from them are orphans', async () => {
    const store = memoryStore();
    using first = await stream();
    const { saved } = await first.save(store);
    using plain = await create();
    const report = await plain.load(store);
    expect(report.loaded).toBe(0);
    expect(report.refused.map(({ refused }) => refused)).toEqual(
      Array.from({ length: saved }, () => 'orphan'),
    );
  });
});

describe('a store that does not answer', () => {
  const never = <T>(): Promise<T> => new Promise(() => {});
  const silent = (store: KvStore, part: 'get' | 'put' | 'keys'): KvStore => ({
    get: part === 'get' ? never : store.get,
    put: part === 'put' ? never : store.put,
    delete: store.delete,
    async *keys() {
      if (part === 'keys') await never();
      yield* store.keys();
    },
  });
  it.each([
    ['load', 'get'],
    ['load', 'keys'],
    ['save', 'put'],
    ['save', 'keys'],
  ] as const)('keeps no %s from hearing its signal, %s', async (call, part) => {
    const full = memoryStore();
    using cache = await create();
    write(cache, toy, tokens).sequence.close();
    await cache.save(full);
    const aborter = new AbortController();
    const reason = new Error('enough');
    const store = silent(call === 'load' ? full : memoryStore(), part);
    const work = cache[call](store, { namespace: '', signal: aborter.signal });
    setTimeout(() => aborter.abort(reason), 5);
    await expect(work).rejects.toBe(reason);
    expect(await cache.save(memoryStore())).toMatchObject({ saved: 6 });
  });

  it('keeps no load from hearing that the device was lost', async () => {
    const own = await ownGpu();
    using cache = await PagedKvCache.create(own, { ...cached(toyShape), layers: 1, pages: 4 });
    const work = cache.load(silent(memoryStore(), 'keys'), { namespace: '' });
    setTimeout(() => own.device.destroy(), 5);
    await expect(work).rejects.toThrow('the GPU device was lost');
    own.dispose();
  });
});

describe('warmup', () => {
  it('compiles all that the life of a cache needs', async () => {
    const own = await ownGpu();
    const ownToy = new Toy(own);
    using cache = await PagedKvCache.create(own, {
      ...cached(toyShape),
      layers,
      pageSize: 2,
      pages: 12,
    });
    const told: string[] = [];
    await cache.warmup({
      onProgress: (done, total, label) => told.push(`${done}/${total} ${label}`),
    });
    expect(told.at(-1)).toBe('6/6 ready');
    const before = kernelCount(own);
    const { sequence } = write(cache, ownToy, tokens);
    const fork = sequence.fork();
    const row = own.tensor(new Float32Array(32).fill(1), { shape: [1, 2, 16] });
    const cos = own.tensor(new Float32Array(256).fill(1), { shape: [32, 8] });
    for (let layer = 0; layer < layers; layer++) {
      cache.append(layer, [fork], row, row, { rotary: { cos, sin: cos } });
      await cache.view(layer, [fork, sequence]).blockTable.read();
    }
    const store = memoryStore();
    await cache.save(store);
    sequence.close();
    fork.close();
    cache.clear();
    expect((await cache.load(store)).loaded).toBe(6);
    await own.settled();
    expect(kernelCount(own)).toBe(before);
    own.dispose();
    own.device.destroy();
  });

  it('stops at an abort', async () => {
    using cache = await create();
    const reason = new Error('enough');
    await expect(cache.warmup({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'heed-kvcache-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('a folder keeps prefixes; a file that was cut costs what goes on from it, and no more', async () => {
  const options = { pageSize: 4, dtype: 'f16' } as const;
  const prompt = tokensOf(new Rng(4), 18);
  using cache = await create(options);
  const want = await attend(cache, toy, write(cache, toy, prompt));
  expect(await cache.save(fsStore(folder), { namespace: '' })).toMatchObject({ saved: 4 });
  expect(await readdir(folder)).toHaveLength(4);

  using second = await create(options);
  expect(await second.load(fsStore(folder), { namespace: '' })).toMatchObject({
    loaded: 4,
    refused: [],
  });
  const served = write(second, toy, prompt);
  expect(served.sequence.cachedTokens).toBe(16);
  expect(await attend(second, toy, served)).toEqual(want);

  const keys = await keysByDepth(fsStore(folder));
  const cut = keys.find((key) => depthOf(key) === 2)!;
  await truncate(join(folder, `key-${cut}.bin`), 300);
  using third = await create(options);
  const report = await third.load(fsStore(folder), { namespace: '' });
  expect(report.refused.map(({ key, refused }) => [key, refused])).toEqual([
    [cut, 'truncated'],
    [keys.at(-1), 'orphan'],
  ]);
  expect(report.loaded).toBe(2);
  const again = write(third, toy, prompt);
  expect(again.sequence.cachedTokens).toBe(8);
  expect(await attend(third, toy, again)).toEqual(want);
});
