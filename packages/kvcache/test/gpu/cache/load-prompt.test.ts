import type { Gpu } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CacheOptions,
  type KvStore,
  memoryStore,
  PagedKvCache,
  prefixNames,
} from '../../../src/index.ts';
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
} from './toy.ts';

let gpu: Gpu;
let toy: Toy;
beforeAll(async () => {
  gpu = await testGpu();
  toy = new Toy(gpu);
});

/** A segment is two pages. */
const pageSize = 128;
const namespace = 'toy';

const create = (options: Partial<CacheOptions> = {}): Promise<PagedKvCache> =>
  PagedKvCache.create(gpu, {
    ...cached(toyShape),
    layers,
    pageSize,
    pages: 8,
    dtype: 'f16',
    poison: true,
    ...options,
  });

const rng = new Rng(22);
/** Five pages: two segments and a page. */
const prompt = tokensOf(rng, 5 * pageSize + 3);
const other = tokensOf(rng, 8 * pageSize);

/** A store that cannot list its keys. */
function unlisted(inner: KvStore = memoryStore()): KvStore {
  return {
    ...inner,
    // oxlint-disable-next-line require-yield
    async *keys() {
      throw new Error('the store was listed');
    },
  };
}

async function savedPrompt(options: Partial<CacheOptions> = {}): Promise<KvStore> {
  using cache = await create(options);
  const { sequence } = write(cache, toy, prompt);
  const store = memoryStore();
  const report = await cache.save(unlisted(store), { namespace, sequences: [sequence] });
  expect(report).toMatchObject({ saved: 5, known: 0, lost: 0, refused: 0 });
  return store;
}

async function expectBits(cache: PagedKvCache, found = 5, tokens = prompt): Promise<void> {
  using plain = await create({ pages: 12 });
  const want = await attend(plain, toy, write(plain, toy, tokens));
  const served = write(cache, toy, tokens);
  expect(served.sequence.cachedTokens).toBe(found * pageSize);
  expect(await attend(cache, toy, served)).toEqual(want);
  served.sequence.close();
}

describe('load of a prompt', () => {
  it('takes the place of cached pages, holds what it loads, and lists nothing', async () => {
    const store = await savedPrompt();
    using cache = await create();
    write(cache, toy, other).sequence.close();
    expect(cache.stats()).toMatchObject({ cached: 8, free: 0 });
    const removed: string[] = [];
    cache.on('removed', ({ name }) => removed.push(name));
    const { hold, ...report } = await cache.load(unlisted(store), { namespace, tokens: prompt });
    expect(report).toEqual({ loaded: 5, known: 0, left: 0, refused: [] });
    expect(cache.stats()).toMatchObject({ used: 5, cached: 3, evictions: 5, sequences: 0 });
    expect(removed).toEqual(prefixNames(other, { pageSize }).slice(3).toReversed());

    // Held pages are not evicted, whoever needs memory.
    const rows = gpu.empty([4 * pageSize, toyShape.kvHeads, toyShape.headDim]);
    using greedy = cache.open();
    expect(() => cache.append(0, [greedy], rows, rows)).toThrow(/3 of 8 are free or cached/);
    hold![Symbol.dispose]();
    hold![Symbol.dispose]();
    expect(cache.stats()).toMatchObject({ used: 0, cached: 8 });
    await expectBits(cache);
    const again = await cache.load(unlisted(store), { namespace, tokens: prompt });
    expect(again).toMatchObject({ loaded: 0, known: 5, left: 0 });
    again.hold![Symbol.dispose]();
  });

  it('evicts neither its own prefix nor what another load holds', async () => {
    const store = await savedPrompt();
    using cache = await create({ pages: 6 });
    write(cache, toy, prompt.slice(0, 2 * pageSize + 1)).sequence.close();
    write(cache, toy, other.slice(0, 3 * pageSize)).sequence.close();
    const mine = await cache.load(store, { namespace, tokens: prompt });
    expect(mine).toMatchObject({ loaded: 3, known: 2, left: 0 });
    const store2 = memoryStore();
    {
      using second = await create();
      write(second, toy, other).sequence.close();
      await second.save(store2, { namespace });
    }
    // One page is neither free nor held.
    const theirs = await cache.load(store2, { namespace, tokens: other });
    expect(theirs).toMatchObject({ loaded: 0, known: 1, left: 6 });
    mine.hold![Symbol.dispose]();
    theirs.hold![Symbol.dispose]();
    await expectBits(cache);
  });

  it('stops at the first gap', async () => {
    const store = await savedPrompt();
    const keys = await keysByDepth(store);
    for (const key of keys) if (depthOf(key) === 2) await store.delete(key);
    using cache = await create();
    const { hold, ...report } = await cache.load(store, { namespace, tokens: prompt });
    expect(report).toEqual({ loaded: 2, known: 0, left: 0, refused: [] });
    hold![Symbol.dispose]();
    await expectBits(cache, 2);
  });

  it('names a damaged record; what goes on from it is a gap', async () => {
    const store = await savedPrompt();
    const damaged = (await keysByDepth(store)).find((key) => depthOf(key) === 2)!;
    const bytes = (await store.get(damaged))!;
    await store.put(damaged, bytes.with(300, bytes[300]! ^ 1));
    using cache = await create();
    const report = await cache.load(store, { namespace, tokens: prompt });
    expect(report.loaded).toBe(2);
    expect(report.refused).toMatchObject([{ key: damaged, refused: 'checksum' }]);
    report.hold![Symbol.dispose]();
    const { sequence } = write(cache, toy, prompt);
    // What was loaded is known to be there.
    expect(await cache.save(store, { namespace, sequences: [sequence] })).toMatchObject({
      saved: 3,
      known: 2,
    });
    expect(await store.get(damaged)).toEqual(bytes);
  });

  it('keeps within maxBytes', async () => {
    const store = await savedPrompt();
    using cache = await create();
    const page = cache.stats().bytes / 9;
    const load = { namespace, tokens: prompt, maxBytes: 3.5 * page };
    await expect(cache.load(store, { ...load, maxBytes: -1 })).rejects.toThrow(/maxBytes must be/);
    const report = await cache.load(store, { ...load, maxBytes: Math.floor(load.maxBytes) });
    expect(report).toMatchObject({ loaded: 3, left: 2 });
    expect(await cache.load(store, { namespace, maxBytes: page })).toMatchObject({ loaded: 1 });
  });

  it('finds salts, and prompts that end within what is stored', async () => {
    const store = await savedPrompt();
    using cache = await create();
    const salted = await cache.load(store, { namespace, tokens: prompt, salt: 'tenant' });
    expect(salted).toMatchObject({ loaded: 0, known: 0, left: 0 });
    const half = await cache.load(store, { namespace, tokens: prompt.slice(0, 4 * pageSize) });
    expect(half).toMatchObject({ loaded: 3, left: 0 }); // the last token must be computed
    const tiny = await cache.load(store, { namespace, tokens: [1] });
    expect(tiny).toMatchObject({ loaded: 0, known: 0 });
    await expect(cache.load(store, { namespace, salt: 'a' })).rejects.toThrow(/salt needs tokens/);
  });

  it('shares its fetches with loads that run beside it', async () => {
    const inner = await savedPrompt();
    const asked: string[] = [];
    let answer = (): void => {};
    const gate = new Promise<void>((resolve) => (answer = resolve));
    const store: KvStore = {
      ...unlisted(inner),
      async get(key) {
        asked.push(key);
        await gate;
        return inner.get(key);
      },
    };
    using cache = await create();
    const aborter = new AbortController();
    const options = { namespace, tokens: prompt };
    const aborted = cache.load(store, { ...options, signal: aborter.signal });
    const loads = [1, 2].map(() => cache.load(store, options));
    const reason = new Error('enough');
    aborter.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    answer();
    const reports = await Promise.all(loads);
    expect(reports.map(({ loaded }) => loaded).toSorted((a, b) => a - b)).toEqual([0, 5]);
    expect(new Set(asked).size).toBe(asked.length);
    for (const { hold } of reports) hold![Symbol.dispose]();
    expect(cache.stats()).toMatchObject({ used: 0, cached: 5 });
    await expectBits(cache);
  });

  it('asks a store with getMany for all at once, and stops it on abort', async () => {
    const inner = await savedPrompt();
    const calls: (readonly string[])[] = [];
    const store: KvStore = {
      ...unlisted(inner),
      get: () => Promise.reject(new Error('get')),
      getMany(keys) {
        calls.push(keys);
        return Promise.all(keys.map((key) => inner.get(key)));
      },
    };
    using cache = await create();
    expect(await cache.load(store, { namespace, tokens: prompt })).toMatchObject({ loaded: 5 });
    expect(calls.map((keys) => keys.length)).toEqual([4]); // two segments, a page in either version

    let stopped: unknown;
    const silent: KvStore = {
      ...store,
      getMany: (_, options) =>
        new Promise(() => {
          options!.signal!.addEventListener('abort', () => (stopped = true));
        }),
    };
    cache.clear();
    const aborter = new AbortController();
    const reason = new Error('enough');
    const work = cache.load(silent, { namespace, tokens: prompt, signal: aborter.signal });
    setTimeout(() => aborter.abort(reason), 5);
    await expect(work).rejects.toBe(reason);
    expect(stopped).toBe(true);
    expect(cache.stats()).toMatchObject({ used: 0, free: 8 });
  });

  it('that is overtaken by clear() leaves nothing behind', async () => {
    const store = await savedPrompt();
    using cache = await create();
    const onProgress = (): void => cache.clear();
    const report = await cache.load(store, { namespace, tokens: prompt, onProgress });
    expect(report.loaded).toBe(2);
    report.hold![Symbol.dispose]();
    expect(cache.stats()).toMatchObject({ used: 0, cached: 0, free: 8 });
    expect(cache.prefixes()).toEqual([]);
    using again = await create();
    expect(await again.load(store, { namespace, tokens: prompt })).toMatchObject({ loaded: 5 });
  });
});

describe('save of some pages', () => {
  it('knows what it has put, and goes on from there', async () => {
    const store = unlisted();
    using cache = await create();
    const { sequence } = write(cache, toy, prompt.slice(0, 3 * pageSize));
    const save = () => cache.save(store, { namespace, sequences: [sequence] });
    expect(await save()).toMatchObject({ saved: 3, known: 0 });
    expect(await save()).toMatchObject({ saved: 0, known: 3, bytes: 0 });
    sequence.close();
    const { sequence: longer } = write(cache, toy, prompt);
    const report = await cache.save(store, { namespace, sequences: [longer] });
    expect(report).toMatchObject({ saved: 3, known: 2 }); // the third page, as part of a segment, and two
  });

  it('saves by names, and counts those that the cache does not have', async () => {
    const store = memoryStore();
    using cache = await create();
    const names: string[] = [];
    cache.on('stored', ({ name }) => names.push(name));
    write(cache, toy, prompt).sequence.close();
    const options = { namespace, names: [...names, 'f'.repeat(64)] };
    expect(await cache.save(unlisted(store), options)).toMatchObject({ saved: 5, lost: 1 });
    using second = await create();
    expect(await second.load(store, { namespace, tokens: prompt })).toMatchObject({ loaded: 5 });
    await expect(cache.save(store, { namespace, names, sequences: [] })).rejects.toThrow(
      'cache.save: sequences and names are alternatives; got both. Pass one of them.',
    );
    await expect(cache.save(store, { namespace, names: [3 as never] })).rejects.toThrow(
      /names must/,
    );
  });

  it('packs pages at the call: what becomes of them later is not saved', async () => {
    const store = memoryStore();
    using cache = await create();
    const { sequence } = write(cache, toy, prompt);
    const work = cache.save(unlisted(store), { namespace, sequences: [sequence] });
    sequence.close();
    cache.clear();
    write(cache, toy, other);
    expect(await work).toMatchObject({ saved: 5, lost: 0 });
    using second = await create();
    (await second.load(store, { namespace, tokens: prompt })).hold![Symbol.dispose]();
    await expectBits(second);
  });
});

describe('workers that share a store, with a window', () => {
  /** Commits the prompt, saves at once or after more tokens, and lets the window pass. */
  async function work(store: KvStore, options: Partial<CacheOptions>, when: string): Promise<void> {
    using cache = await create(options);
    const { sequence } = write(cache, toy, prompt);
    const save = () => cache.save(store, { namespace, sequences: [sequence] });
    const early = when === 'at commit' ? save() : undefined;
    const { window = 0 } = options;
    const rows = gpu.empty([window, toyShape.kvHeads, toyShape.headDim]);
    for (let layer = 0; layer < layers; layer++) cache.append(layer, [sequence], rows, rows);
    // Other requests take the place of what the window has passed.
    for (let layer = 0; layer < layers; layer++) cache.append(layer, [sequence], rows, rows);
    await (early ?? save());
  }

  const orders = [
    ['at commit', 'late'],
    ['late', 'at commit'],
  ];
  it.for([300, 200].flatMap((window) => orders.map((order) => [window, order] as const)))(
    'window %i: whoever saves first, %o, a third finds the same bits',
    async ([window, order]) => {
      const store = unlisted();
      const options = { window };
      for (const when of order) await work(store, options, when);
      using cache = await create(options);
      const report = await cache.load(store, { namespace, tokens: prompt });
      // Only the pages that the next token sees.
      expect(report).toMatchObject({ loaded: window === 300 ? 3 : 2, refused: [], left: 0 });
      report.hold![Symbol.dispose]();
      using plain = await create(options);
      const want = await attend(plain, toy, write(plain, toy, prompt));
      const served = write(cache, toy, prompt);
      expect(served.sequence.cachedTokens).toBe(5 * pageSize);
      expect(await attend(cache, toy, served)).toEqual(want);
    },
  );

  it('find an earlier end where the last pages are missing', async () => {
    const store = memoryStore();
    const options = { window: 200 };
    using cache = await create(options);
    const { sequence } = write(cache, toy, prompt);
    await cache.save(store, { namespace, sequences: [sequence] });
    for (const key of await keysByDepth(store)) if (depthOf(key) === 4) await store.delete(key);
    using other2 = await create(options);
    const report = await other2.load(store, { namespace, tokens: prompt });
    expect(report).toMatchObject({ loaded: 2, left: 0 });
    report.hold![Symbol.dispose]();
    using found = other2.open({ tokens: prompt });
    expect(found.cachedTokens).toBe(4 * pageSize);
  });

  it('ask for few pages where the store has none, or only the first', async () => {
    const options = { pageSize: 4, window: 4, pages: 90 };
    const inner = memoryStore();
    const tokens = tokensOf(new Rng(9), 4 * 80 + 1);
    let calls = 0;
    const store: KvStore = {
      ...unlisted(inner),
      getMany(keys) {
        calls++;
        return Promise.all(keys.map((key) => inner.get(key)));
      },
    };
    using cache = await create(options);
    const none = await cache.load(store, { namespace, tokens });
    expect(none).toMatchObject({ loaded: 0, known: 0, left: 0 });
    expect(calls).toBeLessThan(10); // of 80 windows
    for (const count of [1, 2, 37]) {
      using writer = await create(options);
      const { sequence } = write(writer, toy, tokens.slice(0, 4 * count));
      await writer.save(store, { namespace, sequences: [sequence] });
      calls = 0;
      using reader = await create(options);
      const report = await reader.load(store, { namespace, tokens });
      expect(report.loaded).toBe(1);
      expect(calls).toBeLessThan(12);
      using found = reader.open({ tokens });
      expect(found.cachedTokens).toBe(4 * count);
    }
  });
});
