// A program of a server; compiled, never run.
import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import {
  type EvictionPolicy,
  type KvSequence,
  type KvStats,
  type KvStore,
  memoryStore,
  PagedKvCache,
  prefixNames,
  priority,
  rotate,
  type RotaryTables,
  tee,
} from '@heed/kvcache';
import { opfsStore } from '@heed/kvcache/browser';
import { encodeEventBatch, type KvEventEntry } from '@heed/kvcache/events';
import { httpStore } from '@heed/kvcache/http';
import { prefixNames as namesOnly } from '@heed/kvcache/names';
import { fsStore } from '@heed/kvcache/node';

const eviction: EvictionPolicy = { name: 'mine', compare: (a, b) => priority.compare(a, b) };

export async function serve(gpu: Gpu, prompt: number[]): Promise<KvStats> {
  using cache = await PagedKvCache.create(gpu, {
    layers: 2,
    kvHeads: 8,
    headDim: 64,
    maxBytes: 2 ** 26,
    dtype: 'int8',
    eviction,
  });
  const stop = cache.on('stored', ({ name, tokens }) => console.log(name, tokens.length));
  using sequence: KvSequence = cache.open({ tokens: prompt, salt: 'tenant', priority: 1 });
  sequence.commit(prompt.slice(sequence.cachedTokens));
  using beam = sequence.fork();
  beam.truncate(beam.length - 1);
  stop();
  return cache.stats();
}

export function step(
  gpu: Gpu,
  cache: PagedKvCache,
  seqs: KvSequence[],
  [q, k, v]: [Tensor, Tensor, Tensor],
  rotary: RotaryTables,
): Tensor {
  const positions = Int32Array.from(seqs, ({ length }) => length);
  cache.append(0, seqs, k, v, { rotary });
  const view = cache.view(0, seqs);
  const shared: PagedKvView = view;
  const turned = rotate(gpu, q, { ...rotary, positions });
  return varlenAttention(turned, shared, { causal: true }).out;
}

export async function keep(
  cache: PagedKvCache,
  place: 'memory' | 'disk' | 'page',
): Promise<number> {
  const stores: Record<typeof place, () => KvStore> = {
    memory: memoryStore,
    disk: () => fsStore('pages'),
    page: () => opfsStore('pages'),
  };
  const store = stores[place]();
  const { saved } = await cache.save(store, {
    namespace: 'model',
    signal: AbortSignal.timeout(1e4),
  });
  const { refused } = await cache.load(store, { namespace: 'model' });
  return saved - refused.length;
}

/** Loads a prompt from a web server through the page's own files; returns the names that the cache then has of it. */
export async function share(cache: PagedKvCache, tokens: Uint32Array): Promise<string[]> {
  const store = tee(opfsStore('pages'), httpStore('https://example.org/pages/'));
  const { hold } = await cache.load(store, { namespace: 'model', tokens, maxBytes: 2 ** 28 });
  const sequence = cache.open({ tokens });
  hold?.[Symbol.dispose]();
  await cache.save(store, { namespace: 'model', sequences: [sequence] });
  const known = new Set(cache.prefixes().map(({ name }) => name));
  const names = prefixNames(tokens, { pageSize: 16 });
  return namesOnly(tokens, { pageSize: 16 }).filter(
    (name, i) => name === names[i] && known.has(name),
  );
}

/** Returns a function that returns what has happened since its last call, as routers for vLLM read it. */
export function tell(cache: PagedKvCache): () => Uint8Array {
  const events: KvEventEntry[] = [];
  cache.on('stored', (event) => events.push(['stored', event]));
  cache.on('cleared', () => events.push(['cleared', undefined]));
  return () => encodeEventBatch(events.splice(0), { form: 'arrays', hashes: 'integers' });
}
