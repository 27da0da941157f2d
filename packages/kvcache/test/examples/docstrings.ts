import type { Gpu, Tensor } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import {
  type CacheOptions,
  type EvictionPolicy,
  fairShare,
  type KvSequence,
  type KvStore,
  lru,
  memoryStore,
  PagedKvCache,
  prefixNames,
  priority,
  rotate,
  type RotaryTables,
  tee,
} from '@heed/kvcache';
import { encodeEventBatch, type KvEventEntry } from '@heed/kvcache/events';
import type { HttpStoreOptions } from '@heed/kvcache/http';

// In createExample, PagedKvCache is a stub that creates a smaller cache.
/* oxlint-disable no-shadow */

/** Rows of zeros, [T, H, 64]. */
const rows = (gpu: Gpu, T: number, H: number): Tensor =>
  gpu.tensor(new Float32Array(T * H * 64), { shape: [T, H, 64] });

/** The `@example` of PagedKvCache. `computed` is the number of tokens that the cache did not have. */
export async function cacheExample(gpu: Gpu, prompt: readonly number[]): Promise<Tensor> {
  const computed = prompt.length;
  const [q, k, v] = [rows(gpu, computed, 8), rows(gpu, computed, 2), rows(gpu, computed, 2)];
  const cache = await PagedKvCache.create(gpu, { layers: 1, kvHeads: 2, headDim: 64, pages: 256 });
  const sequence = cache.open({ tokens: prompt });
  cache.append(0, [sequence], k, v); // rows of prompt[sequence.cachedTokens …]
  const view = cache.view(0, [sequence]);
  const { out } = varlenAttention(q, view, { causal: true });
  sequence.commit(prompt.slice(sequence.cachedTokens));
  cache.dispose();
  return out;
}

/** The `@example` of PagedKvCache.create, at a smaller size than its 256 MiB. */
export async function createExample(
  gpu: Gpu,
  create: (gpu: Gpu, o: CacheOptions) => Promise<PagedKvCache>,
): Promise<{ pages: number; bytes: number }> {
  const PagedKvCache = { create };
  const cache = await PagedKvCache.create(gpu, {
    layers: 32,
    kvHeads: 8,
    headDim: 128,
    maxBytes: 2 ** 28,
  });
  const { pages, bytes } = cache.stats();
  cache.dispose();
  return { pages, bytes };
}

/** The `@example`s of the methods, on a cache with one layer and two kv heads of 64. They print events. */
export async function methodExamples(
  gpu: Gpu,
  cache: PagedKvCache,
  prompt: readonly number[],
): Promise<{ left: number; out: Tensor; fits: boolean; stats: readonly number[] }> {
  const maxTokens = 4;
  await cache.warmup({
    onProgress: (done, total, label) => console.log(`${done}/${total} ${label}`),
  });
  if (!cache.canEverFit(prompt.length + maxTokens)) throw new Error('the request is too long');
  const off = cache.on('stored', ({ name, parent }) => console.log(name, 'continues', parent));
  const [a, b] = [cache.open(), cache.open()];
  const [q, k, v] = [rows(gpu, 6, 8), rows(gpu, 6, 2), rows(gpu, 6, 2)];
  const cuSeqlens = Int32Array.of(0, 5, 6); // five rows of a, then one of b
  cache.append(0, [a, b], k, v, { cuSeqlens });
  const view = cache.view(0, [a, b]);
  const fits = cache.canAppend([a, b], [1, 1]); // another token of each
  const { out } = varlenAttention(q, view, { causal: true });
  a.commit(prompt.slice(0, 5));
  off();
  const pinned = cache.open({ tokens: prompt, salt: 'tenant 1', priority: 1 });
  const news = prompt.slice(pinned.cachedTokens); // the tokens to compute: at least one
  const { used, cached, free, hitRate } = cache.stats();
  a.close();
  b.close();
  pinned.close();
  return { left: news.length, out, fits, stats: [used, cached, free, hitRate] };
}

/** The `@example`s of names: the pages of a prompt that a cache has. */
export function nameExamples(cache: PagedKvCache, prompt: readonly number[]): boolean[] {
  const findable = new Map(cache.prefixes().map((event) => [event.name, event]));
  const names = prefixNames(prompt, { pageSize: 16, salt: 'tenant 1' });
  return names.map((name) => findable.has(name));
}

/** The `@example` of encodeEventBatch. */
export function eventsExample(cache: PagedKvCache): () => Uint8Array {
  const pending: KvEventEntry[] = [];
  cache.on('stored', (event) => pending.push(['stored', event]));
  cache.on('removed', (event) => pending.push(['removed', event]));
  cache.on('cleared', () => pending.push(['cleared', undefined]));
  const flush = () => encodeEventBatch(pending.splice(0), { dataParallelRank: 0 });
  return flush;
}

/** The `@example` of KvSequence: both sequences have one token more than before it, and `other` is closed. */
export function sequenceExample(gpu: Gpu, cache: PagedKvCache, sequence: KvSequence): KvSequence {
  const [k, v] = [rows(gpu, 2, 2), rows(gpu, 2, 2)];
  const other = sequence.fork(); // two continuations of one prefix
  cache.append(0, [sequence, other], k, v); // one row each: the shared last page is copied for one of them
  sequence.commit([7]);
  other.commit([8]);
  other.truncate(other.length - 1); // drops the last token again
  other.close();
  return other;
}

/** The `@example` of `keep`: the first child, and its second, are kept. */
export function keepExample(cache: PagedKvCache, sequence: KvSequence, tables: RotaryTables): void {
  const { cos, sin } = tables;
  const { gpu } = cos;
  const [k, v] = [rows(gpu, 4, 2), rows(gpu, 4, 2)];
  const from = sequence.length; // a tree of four drafted tokens: two children of the root, two more of the first
  const positions = Int32Array.of(0, 0, 1, 1).map((depth) => sequence.nextPosition + depth);
  cache.append(0, [sequence], k, v, { rotary: { cos, sin, positions } });
  sequence.keep([from, from + 3], { from }); // the first child, and its second
}

/** The `@example` of `pages`. */
export function pagesExample(sequence: KvSequence, other: KvSequence): number[] {
  const shared = sequence.pages.filter((page) => other.pages.includes(page)); // stored once, read by both
  return shared;
}

/** The `@example`s of save and load, from one cache into another of its geometry; prints nothing unless pages were refused. */
export async function storeExample(from: PagedKvCache, to: PagedKvCache): Promise<number[]> {
  const store = memoryStore();
  const counts: number[] = [];
  {
    const cache = from;
    const { saved, known } = await cache.save(store, { namespace: 'my-model-7b' });
    counts.push(saved, known);
    cache.clear();
  }
  const cache = to;
  const { loaded, refused } = await cache.load(store, { namespace: 'my-model-7b' });
  for (const { key, reason } of refused) console.warn(key, reason);
  return [...counts, loaded];
}

/** The `@example`s of the policies, and the order in which the last one gives up depths 0 to 2. */
export async function policyExamples(gpu: Gpu, options: CacheOptions): Promise<number[]> {
  const recent = await PagedKvCache.create(gpu, { ...options, eviction: lru });
  const prioritised = await PagedKvCache.create(gpu, { ...options, eviction: priority });
  const fair = await PagedKvCache.create(gpu, { ...options, eviction: fairShare(2 ** 28) });
  const smallestPrefixFirst: EvictionPolicy = {
    name: 'depth',
    compare: (a, b) => a.depth - b.depth,
  };
  const page = { bytes: 64, group: 0, salt: '', priority: 0, lastUsed: 0 };
  const candidates = [2, 0, 1].map((depth) => ({ ...page, depth }));
  const pages = [recent, prioritised].map((cache) => cache.stats().pages);
  fair.dispose();
  prioritised.dispose();
  recent.dispose();
  return [...pages, ...candidates.toSorted(smallestPrefixFirst.compare).map(({ depth }) => depth)];
}

/** The `@example` of rotate, with three tokens. */
export function rotateExample(gpu: Gpu, q: Tensor, cos: Tensor, sin: Tensor): Tensor {
  const rotated = rotate(gpu, q, { cos, sin, positions: Int32Array.of(7, 8, 9) });
  return rotated;
}

type MakeStore = (name: string, options?: { maxBytes: number }) => KvStore;

/** The `@example`s of the stores print a length of 2, but the folder's, which prints its key. */
export async function memoryStoreExample(): Promise<void> {
  const store = memoryStore();
  await store.put('greeting', new Uint8Array([104, 105]));
  console.log((await store.get('greeting'))?.length); // 2
}

export async function opfsStoreExample(opfsStore: MakeStore): Promise<void> {
  const store = opfsStore('my-model');
  await store.put('greeting', new Uint8Array([104, 105]));
  console.log((await store.get('greeting'))?.length); // 2
}

export async function fsStoreExample(fsStore: MakeStore): Promise<void> {
  const store = fsStore('pages', { maxBytes: 2 ** 30 });
  await store.put('greeting', new Uint8Array([104, 105]));
  for await (const key of store.keys()) console.log(key); // greeting
}

type MakeWebStore = (base: string, options?: HttpStoreOptions) => KvStore;

/** The `@example` of httpStore, over a server that answers with the address, and of tee. */
export async function webStoreExample(make: MakeWebStore, shared: KvStore): Promise<void> {
  const answer = async (url: unknown): Promise<Response> => new Response(String(url));
  const httpStore: MakeWebStore = (base, o) => make(base, { ...o, fetch: answer });
  const pages = httpStore('https://example.org/pages/', { headers: { authorization: 'Bearer …' } });
  const both = tee(memoryStore(), shared);
  console.log((await pages.get('a'))?.length, (await both.get('a'))?.length);
}
