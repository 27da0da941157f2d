import type { Gpu, PageFormat } from '@heed/core';
import { isFullRun, ownGpu, Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type KvStore, memoryStore, PagedKvCache } from '../../../src/index.ts';
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

const pageSize = 4;

const create = (gpu: Gpu, pages: number, dtype: PageFormat = 'f32'): Promise<PagedKvCache> =>
  PagedKvCache.create(gpu, { ...cached(toyShape), layers, pageSize, pages, dtype, poison: true });

const rng = new Rng(77);
const system = tokensOf(rng, 12);
/** Four pages of the first, one more of the second, two of the third. */
const prompts = [
  [...system, ...tokensOf(rng, 6)],
  [...system, ...tokensOf(rng, 5)],
  tokensOf(rng, 9),
] as const;
const pagesInAll = 7;
/** Required except for memoryStore(); '' is the namespace of `savedPrompts`. */
const namespace = '';

async function savedPrompts(gpu: Gpu, dtype?: PageFormat): Promise<KvStore> {
  const toy = new Toy(gpu);
  using cache = await create(gpu, 20, dtype);
  for (const tokens of prompts) write(cache, toy, tokens).sequence.close();
  const store = memoryStore();
  const report = await cache.save(store);
  expect(report).toMatchObject({ saved: pagesInAll, known: 0, lost: 0 });
  return store;
}

let gpu: Gpu;
let toy: Toy;
beforeAll(async () => {
  gpu = await testGpu();
  toy = new Toy(gpu);
});

describe('a lost device', () => {
  const dtypes = isFullRun() ? (['f32', 'int8'] as const) : (['int8'] as const);
  it.each(dtypes)('costs no prefix that was saved, %s', async (dtype) => {
    const store = memoryStore();
    const run = async (own: Gpu, isNew: boolean): Promise<number[][]> => {
      const cache = await create(own, 20, dtype);
      if (!isNew) expect((await cache.load(store)).loaded).toBe(pagesInAll);
      const bits: number[][] = [];
      const ownToy = new Toy(own);
      for (const [i, tokens] of prompts.entries()) {
        const served = write(cache, ownToy, tokens);
        const shared = i === 1 ? system.length : 0;
        const found = isNew ? shared : tokens.length - ((tokens.length - 1) % pageSize) - 1;
        expect(served.sequence.cachedTokens).toBe(found);
        bits.push(await attend(cache, ownToy, served));
      }
      if (isNew) await cache.save(store);
      return bits;
    };
    const first = await ownGpu();
    const before = await run(first, true);
    first.device.destroy();
    expect((await first.lost).reason).toBe('destroyed');
    const second = await ownGpu();
    expect(await run(second, false)).toEqual(before);
    second.dispose();
    second.device.destroy();
  });
});

describe('load', () => {
  it('names every record that it refuses, and loads the rest', async () => {
    const store = await savedPrompts(gpu);
    const other = await savedPrompts(gpu, 'f16');
    const keys = await keysByDepth(store);
    const firsts = keys.filter((key) => depthOf(key) === 0);
    // The branch of two pages: its first page is altered, so that its second is an orphan.
    const parents = await Promise.all(keys.map(async (key) => hexAt((await store.get(key))!, 44)));
    const child = (key: string): string => keys[parents.indexOf(nameOf(key))]!;
    const altered = firsts.find((key) => parents.indexOf(nameOf(child(key))) < 0)!;
    const orphan = child(altered);
    const deepest = keys.filter((key) => depthOf(key) === 3);
    const [truncated, swapped] = deepest as [string, string];
    const edit = async (key: string, change: (bytes: Uint8Array) => Uint8Array): Promise<void> =>
      store.put(key, change((await store.get(key))!));
    await edit(altered, (bytes) => bytes.with(150, bytes[150]! ^ 1));
    await edit(truncated, (bytes) => bytes.slice(0, 200));
    const donor = firsts.find((key) => key !== altered)!;
    await store.put(swapped, (await store.get(donor))!);
    // Foreign keys: of no cache, of another model, of other pages. None is an entry of this cache.
    await store.put('notes', Uint8Array.of(1, 2, 3));
    await store.put(donor.replace('..', '.llama.'), Uint8Array.of());
    for (const key of await keysByDepth(other)) await store.put(key, (await other.get(key))!);
    // Under keys of this cache: text, and an entry that is listed but missing.
    const foreign = donor.replace(nameOf(donor), 'ab'.repeat(32));
    const missing = donor.replace(nameOf(donor), 'cd'.repeat(32));
    await store.put(foreign, new TextEncoder().encode('hello'));
    await store.put(missing, Uint8Array.of());
    const faulty: KvStore = {
      ...store,
      get: async (key) => (key === missing ? undefined : store.get(key)),
    };

    using cache = await create(gpu, 20);
    const report = await cache.load(faulty, { namespace: '' });
    const refused = Object.fromEntries(report.refused.map((page) => [page.key, page.refused]));
    expect(refused).toEqual({
      [altered]: 'checksum',
      [orphan]: 'orphan',
      [truncated]: 'truncated',
      [swapped]: 'name',
      [foreign]: 'not a record',
      [missing]: 'missing',
    });
    for (const { reason } of report.refused) expect(reason).toMatch(/\w+ \w+/);
    expect(report).toMatchObject({ loaded: pagesInAll - 4, known: 0, left: 0 });
    expect(cache.stats()).toMatchObject({ cached: pagesInAll - 4, used: 0 });
    const found = prompts.map((tokens) => cache.open({ tokens }).cachedTokens);
    expect(found).toEqual([system.length, system.length, 0]);
  });

  it('refuses a record under a key of another depth: as a first page nobody could find it', async () => {
    const store = await savedPrompts(gpu);
    const [deepest] = (await keysByDepth(store)).filter((key) => depthOf(key) === 3) as [string];
    const forged = deepest.replace(/\.3\.(?=\w+$)/, '.0.');
    await store.put(forged, (await store.get(deepest))!);
    await store.delete(deepest);
    using cache = await create(gpu, 20);
    const report = await cache.load(store);
    expect(report).toMatchObject({ loaded: pagesInAll - 1, known: 0, left: 0 });
    const reason = '3 pages before it, expected 0';
    expect(report.refused).toEqual([{ key: forged, refused: 'depth', reason }]);
  });

  it('leaves out what has no room, and says so; what is cached stays', async () => {
    const store = await savedPrompts(gpu);
    using cache = await create(gpu, 6);
    const mine = write(cache, toy, tokensOf(new Rng(1), 8));
    mine.sequence.close();
    const report = await cache.load(store);
    expect(report).toEqual({ loaded: 4, known: 0, left: 3, refused: [] });
    expect(cache.stats()).toMatchObject({ cached: 6, free: 0, evictions: 0 });
    expect(cache.open({ tokens: [...mine.tokens, 1] }).cachedTokens).toBe(8);
    expect(await cache.load(store)).toEqual({ loaded: 0, known: 4, left: 3, refused: [] });
  });

  it('leaves out what goes on from what it left out, also if there is room by then', async () => {
    const store = memoryStore();
    using full = await create(gpu, 20);
    write(full, toy, prompts[0]).sequence.close();
    await full.save(store);
    using cache = await create(gpu, 6);
    const mine = cache.open();
    const k = gpu.empty([16, toyShape.kvHeads, toyShape.headDim]);
    for (let layer = 0; layer < layers; layer++) cache.append(layer, [mine], k, k);
    const stored: number[] = [];
    cache.on('stored', ({ depth }) => stored.push(depth));
    const onProgress = ({ done }: { done: number }): void => void (done === 3 && mine.close());
    expect(await cache.load(store, { onProgress })).toMatchObject({ loaded: 2, left: 2 });
    expect(stored).toEqual([0, 1]);
    expect(await cache.load(store)).toMatchObject({ loaded: 2, known: 2, left: 0 });
    expect(cache.open({ tokens: [...prompts[0]] }).cachedTokens).toBe(16);
  });

  it('stops at an abort; what it did stays, and a second load goes on', async () => {
    const store = await savedPrompts(gpu);
    using cache = await create(gpu, 20);
    const aborter = new AbortController();
    const seen: unknown[] = [];
    const reason = new Error('enough');
    const load = cache.load(store, {
      signal: aborter.signal,
      onProgress(progress) {
        seen.push(progress);
        if (progress.done === 3) aborter.abort(reason);
      },
    });
    await expect(load).rejects.toBe(reason);
    expect(seen).toEqual([1, 2, 3].map((done) => ({ done, total: pagesInAll })));
    expect(cache.stats()).toMatchObject({ cached: 3, used: 0 });
    await expect(cache.load(store, { signal: aborter.signal })).rejects.toBe(reason);
    expect(await cache.load(store)).toMatchObject({ loaded: pagesInAll - 3, known: 3 });
    const served = write(cache, toy, prompts[0]);
    using plain = await create(gpu, 20);
    const want = await attend(plain, toy, write(plain, toy, prompts[0]));
    expect(await attend(cache, toy, served)).toEqual(want);
  });

  it('keeps namespaces apart', async () => {
    const store = memoryStore();
    using cache = await create(gpu, 20);
    write(cache, toy, prompts[0]).sequence.close();
    await cache.save(store, { namespace: 'Llama 3' });
    cache.clear();
    expect(await cache.load(store)).toMatchObject({ loaded: 0, refused: [] });
    expect(await cache.load(store, { namespace: 'llama 3' })).toMatchObject({ loaded: 0 });
    expect(await cache.load(store, { namespace: 'Llama 3' })).toMatchObject({ loaded: 4 });
  });

  it('knows salts only by their prefixes: each is found under its own', async () => {
    const store = memoryStore();
    using cache = await create(gpu, 20);
    write(cache, toy, prompts[0]).sequence.close();
    write(cache, toy, prompts[0].toReversed(), 'tenant').sequence.close();
    await cache.save(store);
    cache.clear();
    expect(await cache.load(store)).toMatchObject({ loaded: 8 });
    const found = (tokens: number[], salt?: string): number => {
      using sequence = cache.open({ tokens, ...(salt && { salt }) });
      return sequence.cachedTokens;
    };
    expect(found([...prompts[0]])).toBe(16);
    expect(found(prompts[0].toReversed(), 'tenant')).toBe(16);
    expect(found([...prompts[0]], 'tenant')).toBe(0);
    expect(found(prompts[0].toReversed())).toBe(0);
  });

  it('that is overtaken by clear() makes findable what it says', async () => {
    const store = await savedPrompts(gpu);
    using cache = await create(gpu, 20);
    const stored = new Set<string>();
    cache.on('stored', ({ name }) => stored.add(name));
    cache.on('removed', ({ name }) => stored.delete(name));
    cache.on('cleared', () => stored.clear());
    const report = await cache.load(store, {
      onProgress({ done }) {
        if (done === 3) cache.clear();
      },
    });
    // The pages before them are evicted, so their continuations are useless.
    const { loaded, refused } = report;
    expect(loaded + refused.length).toBe(pagesInAll);
    expect(new Set(refused.map((page) => page.refused))).toEqual(new Set(['orphan']));
    expect(cache.stats().cached).toBe(stored.size);
    const known = stored.size;
    const again = await cache.load(store);
    expect(again).toEqual({ loaded: pagesInAll - known, known, left: 0, refused: [] });
    expect(prompts.map((tokens) => cache.open({ tokens }).cachedTokens)).toEqual([16, 16, 8]);
  });
});

describe('a store that fails', () => {
  const fault = new Error('the disk is gone');

  it('fails the save that was under way, and nothing else', async () => {
    using cache = await create(gpu, 20);
    for (const tokens of prompts) write(cache, toy, tokens).sequence.close();
    const inner = memoryStore();
    let puts = 0;
    const store: KvStore = {
      ...inner,
      put: async (key, bytes) => {
        if (++puts === 3) throw fault;
        await inner.put(key, bytes);
      },
    };
    const before = cache.stats();
    await expect(cache.save(store, { namespace })).rejects.toBe(fault);
    expect(cache.stats()).toEqual({ ...before, savedTokens: 8 });
    expect(await cache.save(store, { namespace })).toMatchObject({
      known: 2,
      saved: pagesInAll - 2,
    });
    expect(cache.stats()).toEqual({ ...before, savedTokens: 4 * pagesInAll });
  });

  it('fails the load that was under way; what it did stays', async () => {
    const inner = await savedPrompts(gpu);
    let gets = 0;
    const store: KvStore = {
      ...inner,
      get: async (key) => {
        if (++gets === 3) throw fault;
        return inner.get(key);
      },
    };
    using cache = await create(gpu, 20);
    await expect(cache.load(store, { namespace })).rejects.toBe(fault);
    expect(cache.stats()).toMatchObject({ cached: 2, used: 0 });
    const both = await Promise.all([1, 2].map(() => cache.load(store, { namespace })));
    expect(both[0]!.loaded + both[1]!.loaded).toBe(pagesInAll - 2);
    for (const { loaded, known } of both) expect(loaded + known).toBe(pagesInAll);
    expect(prompts.map((tokens) => cache.open({ tokens }).cachedTokens)).toEqual([16, 16, 8]);
  });

  it.each(['save', 'load'] as const)('or a cache that is disposed, during %s', async (call) => {
    const store = await savedPrompts(gpu);
    const cache = await create(gpu, 20);
    write(cache, toy, tokensOf(new Rng(2), 9)).sequence.close();
    const onProgress = (): void => cache.dispose();
    const message = `cache.${call}: the cache was disposed. Create another.`;
    await expect(cache[call](store, { onProgress })).rejects.toThrow(message);
  });
});

describe('save', () => {
  it('stops at an abort; half a save is of use, and a second save goes on', async () => {
    const store = memoryStore();
    using cache = await create(gpu, 20);
    for (const tokens of prompts) write(cache, toy, tokens).sequence.close();
    const aborter = new AbortController();
    const reason = new Error('enough');
    const seen: unknown[] = [];
    const save = cache.save(store, {
      signal: aborter.signal,
      onProgress(progress) {
        seen.push(progress);
        if (progress.done === 4) aborter.abort(reason);
      },
    });
    await expect(save).rejects.toBe(reason);
    expect(seen).toEqual([1, 2, 3, 4].map((done) => ({ done, total: pagesInAll })));
    expect(await keysByDepth(store)).toHaveLength(4);
    await expect(cache.save(store, { signal: aborter.signal })).rejects.toBe(reason);
    using half = await create(gpu, 20);
    expect(await half.load(store)).toMatchObject({ loaded: 4, refused: [] });
    const report = await cache.save(store);
    expect(report).toMatchObject({ saved: pagesInAll - 4, known: 4, lost: 0 });
    const sizes = await Promise.all(
      (await keysByDepth(store)).map(async (key) => (await store.get(key))!.length),
    );
    expect(report.bytes).toBe(sizes[0]! * report.saved);
    expect(await cache.save(store)).toEqual({
      saved: 0,
      known: pagesInAll,
      lost: 0,
      refused: 0,
      bytes: 0,
    });
  });

  it.each(['clear', 'evict'] as const)(
    'that is overtaken by %s never saves what a page holds by then',
    async (how) => {
      using cache = await create(gpu, pagesInAll + 1);
      for (const tokens of prompts) write(cache, toy, tokens).sequence.close();
      const inner = memoryStore();
      let isFirst = true;
      // The save waits for the store's keys while the cache is used for something else.
      const store: KvStore = {
        ...inner,
        async *keys() {
          if (isFirst && how === 'clear') cache.clear();
          if (isFirst) write(cache, toy, tokensOf(new Rng(3), 17)).sequence.close();
          isFirst = false;
          yield* inner.keys();
        },
      };
      const done: number[] = [];
      const report = await cache.save(store, {
        namespace,
        onProgress: (progress) => done.push(progress.done / progress.total),
      });
      expect(done.at(-1)).toBe(1);
      expect(report.lost).toBe(how === 'clear' ? pagesInAll : 4);
      expect(report.saved).toBe(pagesInAll - report.lost);
      using again = await create(gpu, 20);
      expect(await again.load(store, { namespace })).toMatchObject({
        loaded: report.saved,
        refused: [],
      });
      for (const tokens of prompts) {
        using plain = await create(gpu, 20);
        const want = await attend(plain, toy, write(plain, toy, tokens));
        expect(await attend(again, toy, write(again, toy, tokens))).toEqual(want);
      }
    },
  );
});

const nameOf = (key: string): string => key.split('.').at(-1)!;

const hexAt = (bytes: Uint8Array, at: number): string =>
  Array.from(bytes.subarray(at, at + 32), (byte) => byte.toString(16).padStart(2, '0')).join('');
