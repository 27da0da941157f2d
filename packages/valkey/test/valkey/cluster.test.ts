import { createRouter, type WorkerLoad } from '@heed/router';
import { describeStore } from '@heed/testing/store-contract';
import { startCluster, type TestServer } from '@heed/testing/valkey';
import { Cluster as IoRedisCluster } from 'ioredis';
import { Cluster as IoValkeyCluster } from 'iovalkey';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  followKvEvents,
  publishKvEvents,
  type ValkeyClient,
  valkeyStore,
} from '../../src/index.ts';
import { nameOf, ToyCache } from './toy-cache.ts';

let servers: readonly TestServer[];
let client: IoValkeyCluster;
let other: IoRedisCluster;
beforeAll(async () => {
  servers = await startCluster();
  const nodes = servers.map(({ port }) => ({ host: '127.0.0.1', port }));
  client = new IoValkeyCluster(nodes);
  other = new IoRedisCluster(nodes);
  for (const one of [client, other]) one.on('error', () => {});
});
afterAll(async () => {
  client.disconnect();
  other.disconnect();
  for (const server of servers) await server[Symbol.asyncDispose]();
});

let stores = 0;
describeStore('valkeyStore() on a cluster', () =>
  valkeyStore(client, { prefix: `c${stores++}:`, deadlineMs: 5000 }),
);

const keys = Array.from({ length: 60 }, (_, i) => `k${i}`);
const entries = keys.map((key, i) => [key, new Uint8Array(1000).fill(i)] as const);

it('what one client wrote to a cluster, the other reads', async () => {
  const [mine, theirs]: ValkeyClient[] = [client, other];
  expect(await valkeyStore(mine!, { deadlineMs: 5000 }).putMany(entries)).toEqual({
    kept: 60,
    refused: 0,
  });
  const store = valkeyStore(theirs!, { deadlineMs: 5000 });
  expect(await store.getMany(keys)).toEqual(entries.map(([, bytes]) => bytes));
  const listed: string[] = [];
  for await (const key of store.keys()) listed.push(key);
  expect(listed.toSorted()).toEqual(keys.toSorted());
});

it('events travel through a cluster', async () => {
  const cache = new ToyCache();
  cache.store(1, 2);
  const load: WorkerLoad = {
    queuedTokens: 0,
    runningSequences: 0,
    tokensPerSecond: 1,
    freePages: 1,
    pages: 1,
  };
  const told = ['a', 'b'].map((worker) =>
    publishKvEvents(cache, client, {
      cell: 'eu',
      worker,
      url: `http://${worker}`,
      load: () => load,
    }),
  );
  const router = createRouter({ pageSize: 4, speculativeMs: 0 });
  const follower = followKvEvents(client, router, { cell: 'eu' });
  const cached = (worker: string, page: number): number | undefined =>
    router.route([nameOf(page)], { length: 5, exclude: [worker === 'a' ? 'b' : 'a'] })
      ?.cachedTokens;
  await vi.waitFor(() => expect([cached('a', 1), cached('b', 2)]).toEqual([4, 4]), 10_000);
  cache.remove(1);
  cache.store(3);
  await vi.waitFor(() => expect([cached('a', 1), cached('b', 3)]).toEqual([0, 4]), 10_000);
  for (const one of [...told, follower]) await one[Symbol.asyncDispose]();
});

it('a cluster that lost a node gives the entries of the others, in time', async () => {
  const store = valkeyStore(client, { deadlineMs: 400 });
  expect((await store.putMany(entries)).kept).toBe(60);
  await servers[2]!.kill();
  const start = performance.now();
  const values = await store.getMany(keys).catch((error: Error) => error);
  expect(performance.now() - start).toBeLessThan(2000);
  if (!(values instanceof Error)) {
    for (const [i, value] of values.entries())
      expect([entries[i]![1], undefined]).toContainEqual(value);
  }
  // Those of the lost node fail again and again, those of the others do not.
  await vi.waitFor(
    async () => {
      const found = await Promise.all(keys.map((key) => store.get(key).catch(() => undefined)));
      expect(found.filter(Boolean).length).toBeGreaterThan(25);
    },
    { timeout: 20_000, interval: 200 },
  );
  expect(store.stats.breaker).toBe('closed');
});
