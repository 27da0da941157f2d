import type { Gpu } from '@heed/core';
import { ownGpu, Rng } from '@heed/testing';
import { expect, it } from 'vitest';
import { opfsStore } from '../../src/browser.ts';
import { PagedKvCache } from '../../src/index.ts';
import { layers } from '../gpu/cache/serve.ts';
import { attend, depthOf, keysOf, write } from '../gpu/cache/stored.ts';
import { cached, tokensOf, Toy, toyShape } from '../gpu/cache/toy.ts';

const create = (gpu: Gpu): Promise<PagedKvCache> =>
  PagedKvCache.create(gpu, {
    ...cached(toyShape),
    layers,
    pageSize: 4,
    pages: 12,
    dtype: 'int8',
    poison: true,
  });

it('a cache goes on from the origin’s files after its device was lost', async () => {
  const name = `test-cache-${crypto.randomUUID()}`;
  const root = await navigator.storage.getDirectory();
  const tokens = tokensOf(new Rng(4), 18);
  try {
    const first = await ownGpu();
    const cache = await create(first);
    const want = await attend(cache, new Toy(first), write(cache, new Toy(first), tokens));
    expect(await cache.save(opfsStore(name), { namespace: '' })).toMatchObject({ saved: 4 });
    first.device.destroy();
    await first.lost;

    const gpu = await ownGpu();
    const toy = new Toy(gpu);
    using second = await create(gpu);
    expect(await second.load(opfsStore(name), { namespace: '' })).toMatchObject({
      loaded: 4,
      refused: [],
    });
    const served = write(second, toy, tokens);
    expect(served.sequence.cachedTokens).toBe(16);
    expect(await attend(second, toy, served)).toEqual(want);

    const keys = await keysOf(opfsStore(name));
    const cut = keys.find((key) => depthOf(key) === 2)!;
    const folder = await root.getDirectoryHandle(`heed-${name}`);
    const stream = await (
      await folder.getFileHandle(`key-${cut}.bin`)
    ).createWritable({ keepExistingData: true });
    await stream.truncate(200);
    await stream.close();
    using third = await create(gpu);
    const { loaded, refused } = await third.load(opfsStore(name), { namespace: '' });
    expect(loaded).toBe(2);
    expect(refused.map((page) => [page.key, page.refused])).toEqual([
      [cut, 'truncated'],
      [keys.at(-1), 'orphan'],
    ]);
    expect(await attend(third, toy, write(third, toy, tokens))).toEqual(want);
  } finally {
    await root.removeEntry(`heed-${name}`, { recursive: true }).catch(() => {}); // never written to
  }
});
