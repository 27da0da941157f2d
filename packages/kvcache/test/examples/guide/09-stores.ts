import { type Gpu, openGpu } from '@heed/core';
import { memoryStore, PagedKvCache } from '@heed/kvcache';
import { shape } from './setup.ts';

const store = memoryStore(); // fsStore(folder) of @heed/kvcache/node, opfsStore(name) of @heed/kvcache/browser
const options = { ...shape, pageSize: 2, pages: 8 };
const prompt = [1, 2, 3, 4, 5, 6];

/** Stands for a prefill: computes the tokens that the cache lacks, and returns their number. */
function prefill(gpu: Gpu, cache: PagedKvCache): number {
  const sequence = cache.open({ tokens: prompt });
  const news = prompt.slice(sequence.cachedTokens);
  const rows = gpu.tensor(new Float32Array(2 * news.length), { shape: [news.length, 1, 2] });
  cache.append(0, [sequence], rows, rows);
  sequence.commit(news);
  return news.length;
}

const gpu = await openGpu();
const cache = await PagedKvCache.create(gpu, options);
console.log(prefill(gpu, cache)); // 6
const namespace = 'toy-1'; // names the weights: pages of other weights must not be found
const saved = await cache.save(store, { namespace });
console.log(saved.saved, saved.known); // 3 0
console.log((await cache.save(store, { namespace })).known); // 3

// The device is lost, and all pages with it. (Usually a driver does this.)
gpu.device.destroy();
await gpu.lost;

const gpu2 = await openGpu();
const cache2 = await PagedKvCache.create(gpu2, options);
const loaded = await cache2.load(store, { namespace });
console.log(loaded.loaded, loaded.refused.length); // 3 0
console.log(prefill(gpu2, cache2)); // 2

// One byte of the second page changes in the store. That page is refused, and so is its continuation; the rest loads.
for await (const key of store.keys()) {
  if (!key.includes('.0.1.')) continue; // v2.<geometry>.<namespace>.<group>.<depth>.<name>
  const bytes = await store.get(key);
  await store.put(key, bytes!.with(110, 77));
}
const cache3 = await PagedKvCache.create(gpu2, options);
const report = await cache3.load(store, { namespace });
const reasons = report.refused.map(({ refused }) => refused);
console.log(report.loaded, reasons); // 1 [ checksum, orphan ]
cache3.dispose();
cache2.dispose();
gpu2.dispose();
