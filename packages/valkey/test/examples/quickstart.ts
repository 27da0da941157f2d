import { setTimeout } from 'node:timers/promises';
import { openGpu } from '@heed/core';
import { PagedKvCache, prefixNames } from '@heed/kvcache';
import { createRouter } from '@heed/router';
import { followKvEvents, publishKvEvents, valkeyStore } from '@heed/valkey';
import { Redis } from 'iovalkey';

const client = new Redis(process.env['VALKEY_URL'] ?? 'redis://localhost');
const store = valkeyStore(client);
const gpu = await openGpu();
const shape = { layers: 2, kvHeads: 2, headDim: 64, pages: 64 };
const prompt = Array.from({ length: 100 }, (_, i) => i);

// A worker computes a prompt, saves its pages, and tells routers that it has them.
const one = await PagedKvCache.create(gpu, shape);
const load = () => ({
  queuedTokens: 0,
  runningSequences: 0,
  tokensPerSecond: 2000,
  freePages: 58,
  pages: 64,
});
const telling = publishKvEvents(one, client, {
  cell: 'eu-1',
  worker: 'one',
  url: 'http://one',
  load,
});
const sequence = one.open({ tokens: prompt });
const rows = gpu.tensor(new Float32Array(100 * 2 * 64).fill(1), { shape: [100, 2, 64] });
for (const layer of [0, 1]) one.append(layer, [sequence], rows, rows);
sequence.commit(prompt);
await one.save(store, { namespace: 'my-model', sequences: [sequence] });

// Another worker, of any machine, loads them.
const other = await PagedKvCache.create(gpu, shape);
const { loaded, hold } = await other.load(store, { namespace: 'my-model', tokens: prompt });
console.log(loaded, other.open({ tokens: prompt }).cachedTokens); // 6 96
hold?.[Symbol.dispose]();
console.log(store.stats.hits, store.stats.breaker); // 6 closed

// A router, of any machine, knows who has the prompt.
const router = createRouter({ pageSize: 16 });
const following = followKvEvents(client, router, { cell: 'eu-1' });
while (router.workers()[0]?.entries !== 6) await setTimeout(20);
const names = prefixNames(prompt, { pageSize: 16 });
const pick = router.route(names, { length: prompt.length });
console.log(pick?.worker, pick?.url, pick?.cachedTokens); // one http://one 96

for (const end of [following, telling, store]) await end[Symbol.asyncDispose]();
client.disconnect();
