import { memoryStore, PagedKvCache } from '@heed/kvcache';
import { createRouter } from '@heed/router';
import { printedBy, testGpu } from '@heed/testing';
import { findServer, startServer, type TestServer } from '@heed/testing/valkey';
import { Redis } from 'iovalkey';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { docstrings } from '../examples/docstrings.ts';
import { type ValkeyStore, valkeyStore } from '../../src/index.ts';

// The tier valkey, whose tests have no GPU, is the one that the summary names where there is no server.
describe.skipIf(!findServer())('with a server', () => {
  let server: TestServer;
  let client: Redis;
  let store: ValkeyStore;
  beforeAll(async () => {
    server = await startServer('--maxmemory', '64mb', '--maxmemory-policy', 'volatile-lfu');
    client = new Redis(server.path);
    store = valkeyStore(client, { deadlineMs: 5000, prefix: 'p:' });
  });
  afterAll(async () => {
    client.disconnect();
    await server[Symbol.asyncDispose]();
  });

  it('the README’s example runs and prints what it says', async () => {
    vi.stubEnv('VALKEY_URL', server.path);
    const printed = await printedBy(() => import('../examples/quickstart.ts'));
    vi.unstubAllEnvs();
    expect(printed).toEqual([
      [6, 96],
      [6, 'closed'],
      ['one', 'http://one', 96],
    ]);
  });

  it('the examples of the docstrings run', async () => {
    const gpu = await testGpu();
    using cache = await PagedKvCache.create(gpu, { layers: 1, kvHeads: 1, headDim: 8, pages: 4 });
    const clients: Redis[] = [];
    class OwnRedis extends Redis {
      constructor() {
        super(server.path);
        clients.push(this);
      }
    }
    const load = {
      queuedTokens: 0,
      runningSequences: 0,
      tokensPerSecond: 1,
      freePages: 4,
      pages: 4,
    };
    const prompt = Array.from({ length: 40 }, (_, i) => i);
    const router = createRouter({ pageSize: 16 });
    expect(await docstrings(OwnRedis, cache, router, load, prompt)).toBeGreaterThan(0);
    for (const one of clients) one.disconnect();
  });

  const shape = { layers: 2, kvHeads: 2, headDim: 32, pageSize: 16, pages: 64 };
  const tokens = Array.from({ length: 600 }, (_, i) => (i * 7919) % 50_000);

  /** Saves a cache's pages to memory, and returns the records by key. */
  async function recordsOf(cache: PagedKvCache): Promise<Map<string, Uint8Array>> {
    const memory = memoryStore();
    await cache.save(memory);
    const records = new Map<string, Uint8Array>();
    for await (const key of memory.keys()) records.set(key, (await memory.get(key))!);
    return records;
  }

  it('pages come back bit for bit; those of which a byte was flipped, or of another version, do not', async () => {
    const gpu = await testGpu();
    const namespace = 'm';
    using first = await PagedKvCache.create(gpu, shape);
    const data = Float32Array.from({ length: 600 * 64 }, (_, i) => Math.sin(i));
    const rows = gpu.tensor(data, { shape: [600, 2, 32] });
    const sequence = first.open();
    for (const layer of [0, 1]) first.append(layer, [sequence], rows, rows.permute([0, 1, 2]));
    sequence.commit(tokens);
    // Two segments of 16 pages, and five pages.
    expect(await first.save(store, { namespace, sequences: [sequence] })).toMatchObject({
      saved: 37,
      refused: 0,
    });

    using second = await PagedKvCache.create(gpu, shape);
    const whole = await second.load(store, { namespace, tokens });
    expect([whole.loaded, whole.refused]).toEqual([37, []]);
    whole.hold![Symbol.dispose]();
    expect(await recordsOf(second)).toEqual(await recordsOf(first));

    const keys: string[] = [];
    for await (const key of store.keys()) keys.push(key);
    const [segment] = keys.filter((key) => key.split('.').at(-2) === '16');
    const [tail] = keys.filter((key) => key.split('.').at(-2) === '33');
    const good = (await store.get(segment!))!;
    for (const [at, refused] of [
      [8, 'version'],
      [good.length >> 1, 'checksum'],
    ] as const) {
      const bad = good.slice();
      bad[at]! ^= 64;
      await store.put(segment!, bad);
      using third = await PagedKvCache.create(gpu, shape);
      const report = await third.load(store, { namespace, tokens });
      report.hold?.[Symbol.dispose]();
      expect(report.refused.map((one) => one.refused)).toEqual([refused]);
      expect(report.loaded).toBe(16); // up to the gap
    }
    await store.put(segment!, good);
    await store.delete(tail!);
    using fourth = await PagedKvCache.create(gpu, shape);
    const upToGap = await fourth.load(store, { namespace, tokens });
    upToGap.hold?.[Symbol.dispose]();
    expect(upToGap.loaded).toBe(33);
  });

  it('serving goes on while the server does not answer: a load fails in time, and the cache is as before', async () => {
    const gpu = await testGpu();
    const impatient = valkeyStore(client, { deadlineMs: 100, prefix: 'p:' });
    using cache = await PagedKvCache.create(gpu, shape);
    const before = cache.stats();
    server.freeze();
    await expect(cache.load(impatient, { namespace: 'm', tokens })).rejects.toThrow(
      /no answer|too late/,
    );
    expect(cache.stats()).toEqual(before);
    const sequence = cache.open({ tokens });
    expect(sequence.cachedTokens).toBe(0);
    sequence.close();
    server.thaw();
  });
});
