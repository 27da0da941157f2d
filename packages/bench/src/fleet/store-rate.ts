import type { Gpu } from '@heed/core';
import { PagedKvCache } from '@heed/kvcache';
import { valkeyStore } from '@heed/valkey';
import type { Redis } from 'iovalkey';
import { type FleetRow, median, processorMs, threadMs } from './fleet-row.ts';

/** The rows of Llama 3.2 1B in f16: 512 KiB per page of 16 tokens. */
const shape = { layers: 16, kvHeads: 8, headDim: 64 } as const;
const tokenCount = 1024;
const patient = { deadlineMs: 60_000 };

/** Processor time of a load through the server, per 4 MiB: fetch, checksum and upload. The server is another process. */
export async function loadCost(gpu: Gpu, client: Redis): Promise<FleetRow> {
  const tokens = Uint32Array.from({ length: tokenCount + 1 }, (_, i) => (i * 7919) % 50_000);
  using cache = await PagedKvCache.create(gpu, { ...shape, pages: tokenCount / 16 + 1 });
  const rows = gpu.empty([tokenCount + 1, shape.kvHeads, shape.headDim]);
  const sequence = cache.open();
  for (let layer = 0; layer < shape.layers; layer++) cache.append(layer, [sequence], rows, rows);
  sequence.commit(tokens);
  const store = valkeyStore(client, { ...patient, prefix: 'load:' });
  const namespace = 'bench';
  await cache.save(store, { namespace, sequences: [sequence] });
  sequence.close();
  rows.dispose();
  const runs: number[] = [];
  for (let i = 0; i < 9; i++) {
    cache.clear();
    await gpu.settled();
    const start = processorMs();
    const { loaded, hold } = await cache.load(store, { namespace, tokens });
    await gpu.settled();
    runs.push((processorMs() - start) / 8); // 32 MiB
    hold?.[Symbol.dispose]();
    if (loaded !== tokenCount / 16) throw new Error(`${loaded} pages were loaded`);
  }
  return { name: 'load of 4 MiB', unit: 'ms of CPU', runs: runs.slice(2), atMost: 25 };
}

/** Processor time of the checksums alone. */
export async function digestCost(): Promise<FleetRow> {
  const segment = new Uint8Array(8 * 2 ** 20).fill(7);
  const runs: number[] = [];
  for (let i = 0; i < 9; i++) {
    const start = processorMs();
    for (let k = 0; k < 4; k++) await crypto.subtle.digest('SHA-256', segment);
    runs.push((processorMs() - start) / 8);
  }
  return { name: 'SHA-256 of 4 MiB', unit: 'ms of CPU', runs: runs.slice(2), atMost: 8 };
}

/**
 * The rate of getMany through the adapter, over that of the bare client's GETs, by the thread's processor time: a client is bound by
 * it, and other programs on the machine do not change it. Calls alternate.
 */
export async function adapterRate(client: Redis, count: number, bytes: number): Promise<FleetRow> {
  const prefix = `rate${bytes}:`;
  const store = valkeyStore(client, { ...patient, prefix });
  const keys = Array.from({ length: count }, (_, i) => `k${i}`);
  await store.putMany(keys.map((key) => [key, new Uint8Array(bytes).fill(1)]));
  const calls = {
    adapter: () => store.getMany(keys, { bytesPerValue: bytes }),
    bare: () => Promise.all(keys.map((key) => client.getBuffer(`${prefix}${key}`))),
  };
  const cost = async (name: keyof typeof calls): Promise<number> => {
    const start = threadMs();
    const values = await calls[name]();
    const ms = threadMs() - start;
    if (!values.every((value) => value?.length === bytes)) throw new Error('a value is missing');
    return ms;
  };
  const runs: number[] = [];
  for (let round = 0; round < 6; round++) {
    const costs = { adapter: [] as number[], bare: [] as number[] };
    for (let i = 0; i < 40; i++) {
      const order = i % 2 === 0 ? (['adapter', 'bare'] as const) : (['bare', 'adapter'] as const);
      for (const name of order) costs[name].push(await cost(name));
    }
    runs.push(median(costs.bare) / median(costs.adapter));
  }
  const size = bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(2)} MiB` : `${bytes / 1024} KiB`;
  return {
    name: `getMany of ${count} × ${size} over the bare client's rate`,
    unit: '×',
    runs: runs.slice(1),
    floor: 0.9,
  };
}
