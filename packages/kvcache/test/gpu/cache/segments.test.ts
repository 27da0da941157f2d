import type { Gpu } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CacheOptions, type KvStore, memoryStore, PagedKvCache } from '../../../src/index.ts';
import { geometryText } from '../../../src/pages/page-geometry.ts';
import { decodeRecord, type PageRecord } from '../../../src/stores/page-record.ts';
import { oldKey, parseKey } from '../../../src/stores/store-key.ts';
import { oldRecord } from '../../unit/stores/any-record.ts';
import { attend, cached, keysByDepth, layers, tokensOf, Toy, toyShape, write } from './toy.ts';

let gpu: Gpu;
let toy: Toy;
beforeAll(async () => {
  gpu = await testGpu();
  toy = new Toy(gpu);
});

/** A segment is two pages. */
const pageSize = 128;

const create = (options: Partial<CacheOptions> = {}): Promise<PagedKvCache> =>
  PagedKvCache.create(gpu, {
    ...cached(toyShape),
    layers,
    pageSize,
    pages: 12,
    dtype: 'f16',
    poison: true,
    ...options,
  });

const rng = new Rng(18);
const shared = tokensOf(rng, 2 * pageSize);
/** Five pages: two segments and a page. */
const long = [...shared, ...tokensOf(rng, 3 * pageSize + 3)];
/** Three pages: the same first segment, and a page. */
const short = [...shared, ...tokensOf(rng, pageSize + 1)];

async function saved(options: Parameters<PagedKvCache['save']>[1] = {}): Promise<KvStore> {
  using cache = await create();
  for (const tokens of [long, short]) write(cache, toy, tokens).sequence.close();
  const store = memoryStore();
  expect(await cache.save(store, options)).toMatchObject({ saved: 6, known: 0, lost: 0 });
  return store;
}

async function expectBits(cache: PagedKvCache, tokens: readonly number[]): Promise<void> {
  using plain = await create();
  const want = await attend(plain, toy, write(plain, toy, tokens));
  const served = write(cache, toy, tokens);
  expect(served.sequence.cachedTokens).toBe(tokens.length - (tokens.length % pageSize));
  expect(await attend(cache, toy, served)).toEqual(want);
}

const recordsOf = async (store: KvStore): Promise<PageRecord[]> =>
  Promise.all(
    (await keysByDepth(store)).map(
      async (key) => (await decodeRecord((await store.get(key))!)) as PageRecord,
    ),
  );

describe('segments', () => {
  it('hold pages from the root on; what follows the last is single pages', async () => {
    const store = await saved();
    const kinds = (await recordsOf(store)).map(({ depth, pages }) => `${depth}+${pages}`);
    expect(kinds.toSorted()).toEqual(['0+2', '2+1', '2+2', '4+1']);
    using cache = await create();
    expect(await cache.load(store)).toEqual({ loaded: 6, known: 0, left: 0, refused: [] });
    expect(await cache.load(store)).toEqual({ loaded: 0, known: 6, left: 0, refused: [] });
    await expectBits(cache, long);
    await expectBits(cache, short);
  });

  it('give the pages that find room, and no page behind them', async () => {
    const store = await saved();
    using cache = await create({ pages: 3 });
    expect(await cache.load(store)).toMatchObject({ loaded: 3, left: 3, refused: [] });
  });

  it('are not used below a window that is shorter', async () => {
    using cache = await create({ window: 255 });
    write(cache, toy, long).sequence.close();
    const store = memoryStore();
    await cache.save(store);
    const records = await recordsOf(store);
    expect(records.every(({ pages }) => pages === 1)).toBe(true);
  });
});

it('records of version 1 are read', async () => {
  const store = memoryStore();
  using cache = await create({ window: 1 }); // no segments
  write(cache, toy, long.slice(0, 2 * pageSize + 1)).sequence.close();
  await cache.save(store);
  const old = memoryStore();
  const geometry = {
    layers,
    kvHeads: toyShape.kvHeads,
    headDim: toyShape.headDim,
    headDimV: toyShape.headDimV,
    pageSize,
    format: 'f16',
  } as const;
  for (const key of await keysByDepth(store)) {
    const record = (await decodeRecord((await store.get(key))!)) as PageRecord;
    const parts = { ...parseKey(key)!, geometry: geometryText(geometry), namespace: 'm' };
    await old.put(oldKey(parts), await oldRecord(geometry, record));
  }
  using other = await create();
  expect(await other.load(old, { namespace: 'm' })).toMatchObject({ loaded: 2, refused: [] });
  await expectBits(other, long.slice(0, 2 * pageSize + 1));
});

describe('a key', () => {
  const hmac = (secret: number, usages: KeyUsage[] = ['sign', 'verify']): Promise<CryptoKey> =>
    crypto.subtle.importKey(
      'raw',
      new Uint8Array(32).fill(secret),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      usages,
    );

  it('seals records, which only it opens', async () => {
    const key = await hmac(1);
    const store = await saved({ key });
    using cache = await create();
    for (const wrong of [undefined, await hmac(2)]) {
      const report = await cache.load(store, wrong && { key: wrong });
      expect(report.loaded).toBe(0);
      expect(report.refused.map(({ refused }) => refused)).toEqual(
        Array.from({ length: 4 }, () => 'checksum'),
      );
    }
    expect(await cache.load(store, { key })).toMatchObject({ loaded: 6, refused: [] });
    using other = await create();
    expect(await other.load(await saved(), { key })).toMatchObject({ loaded: 0 });
  });

  it('must be able to sign and to verify', async () => {
    using cache = await create();
    const verify = await hmac(1, ['verify']);
    await expect(cache.save(memoryStore(), { key: verify })).rejects.toThrow(
      /^cache.save: key must be a CryptoKey for HMAC with SHA-256 whose usages have 'sign'; got HMAC/,
    );
    const sign = await hmac(1, ['sign']);
    await expect(cache.load(memoryStore(), { key: sign })).rejects.toThrow(/have 'verify'; got/);
    const text = 'secret' as unknown as CryptoKey;
    await expect(cache.save(memoryStore(), { key: text })).rejects.toThrow(/got 'secret'/);
  });
});
