import type { PagedKvCache } from '@heed/kvcache';
import type { Router, WorkerLoad } from '@heed/router';
import { followKvEvents, publishKvEvents, type ValkeyClient, valkeyStore } from '@heed/valkey';

/** The `@example`s of the package; `Redis` connects to the test's server. Returns the pages that were loaded. */
export async function docstrings(
  Redis: new (url: string) => ValkeyClient,
  cache: PagedKvCache,
  router: Router,
  measured: WorkerLoad,
  prompt: readonly number[],
): Promise<number> {
  const url = 'http://10.0.0.7:8000';
  const store = valkeyStore(new Redis('redis://localhost'), { ttlSeconds: 3600 });
  const { hold } = await cache.load(store, { namespace: 'my-model-7b', tokens: prompt });
  hold?.[Symbol.dispose]();
  const client = new Redis('redis://localhost');
  const telling = publishKvEvents(cache, client, {
    cell: 'eu-1',
    worker: 'gpu-7',
    url,
    load: () => measured,
  });
  const following = followKvEvents(client, router, { cell: 'eu-1' });
  while (router.workers().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  // … and at the end, so that no router waits for the heartbeat to expire:
  await telling[Symbol.asyncDispose]();
  await following[Symbol.asyncDispose]();
  return store.stats.misses;
}
