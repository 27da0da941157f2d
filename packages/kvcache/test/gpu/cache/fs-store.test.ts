import { mkdtemp, readdir, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Gpu } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import { fsStore } from '../../../src/node.ts';
import { layers } from './serve.ts';
import { attend, depthOf, keysOf, write } from './stored.ts';
import { cached, tokensOf, Toy, toyShape } from './toy.ts';

let gpu: Gpu;
let folder: string;
beforeAll(async () => {
  gpu = await testGpu();
  folder = await mkdtemp(join(tmpdir(), 'heed-kvcache-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('a folder keeps prefixes; a file that was cut costs what goes on from it, and no more', async () => {
  const toy = new Toy(gpu);
  const create = (): Promise<PagedKvCache> =>
    PagedKvCache.create(gpu, {
      ...cached(toyShape),
      layers,
      pageSize: 4,
      pages: 12,
      dtype: 'f16',
      poison: true,
    });
  const tokens = tokensOf(new Rng(4), 18);
  using cache = await create();
  const want = await attend(cache, toy, write(cache, toy, tokens));
  expect(await cache.save(fsStore(folder), { namespace: '' })).toMatchObject({ saved: 4 });
  expect(await readdir(folder)).toHaveLength(4);

  using second = await create();
  expect(await second.load(fsStore(folder), { namespace: '' })).toMatchObject({
    loaded: 4,
    refused: [],
  });
  const served = write(second, toy, tokens);
  expect(served.sequence.cachedTokens).toBe(16);
  expect(await attend(second, toy, served)).toEqual(want);

  const keys = await keysOf(fsStore(folder));
  const cut = keys.find((key) => depthOf(key) === 2)!;
  await truncate(join(folder, `key-${cut}.bin`), 300);
  using third = await create();
  const report = await third.load(fsStore(folder), { namespace: '' });
  expect(report.refused.map(({ key, refused }) => [key, refused])).toEqual([
    [cut, 'truncated'],
    [keys.at(-1), 'orphan'],
  ]);
  expect(report.loaded).toBe(2);
  const again = write(third, toy, tokens);
  expect(again.sequence.cachedTokens).toBe(8);
  expect(await attend(third, toy, again)).toEqual(want);
});
