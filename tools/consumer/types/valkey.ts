// A worker's and a router's programs; compiled, never run.
import type { PagedKvCache } from '@heed/kvcache';
import type { Router } from '@heed/router';
import {
  followKvEvents,
  publishKvEvents,
  UnreachableError,
  type ValkeyClient,
  valkeyStore,
  type ValkeyStoreStats,
} from '@heed/valkey';
import { Cluster as IoRedisCluster, Redis as IoRedis } from 'ioredis';
import { Cluster as IoValkeyCluster, Redis as IoValkey } from 'iovalkey';

export const clients: readonly ValkeyClient[] = [
  new IoValkey('redis://localhost'),
  new IoRedis({ host: 'localhost', tls: {} }),
  new IoValkeyCluster([{ host: 'localhost', port: 7000 }]),
  new IoRedisCluster([{ host: 'localhost', port: 7000 }]),
];

/** Loads a prompt's pages, or says that they must be computed. */
export async function resume(
  cache: PagedKvCache,
  client: ValkeyClient,
  tokens: Uint32Array,
): Promise<number> {
  const store = valkeyStore(client, { deadlineMs: 100, breaker: { failures: 3, coolMs: 1000 } });
  try {
    const { loaded, hold } = await cache.load(store, { namespace: 'model', tokens });
    hold?.[Symbol.dispose]();
    const { hits, policy }: ValkeyStoreStats = store.stats;
    if (policy !== undefined) console.warn(policy, hits);
    return loaded;
  } catch (error) {
    if (error instanceof UnreachableError) return 0;
    throw error;
  } finally {
    await store[Symbol.asyncDispose]();
  }
}

export const tell = (cache: PagedKvCache, client: ValkeyClient): AsyncDisposable =>
  publishKvEvents(cache, client, {
    cell: 'eu-1',
    worker: 'a',
    url: 'http://a',
    load: () => ({
      queuedTokens: 0,
      runningSequences: 0,
      tokensPerSecond: 1,
      freePages: 1,
      pages: 1,
    }),
  });

export const follow = (client: ValkeyClient, router: Router): AsyncDisposable =>
  followKvEvents(client, router, { cell: 'eu-1', signal: AbortSignal.timeout(1e6) });
