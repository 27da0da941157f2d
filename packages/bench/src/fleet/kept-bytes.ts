import { startServer } from '@heed/testing/valkey';
import { valkeyStore } from '@heed/valkey';
import { Redis } from 'iovalkey';
import type { FleetRow } from './fleet-row.ts';

/** Chains of 64 pages of 8 KiB: four segments of 16 pages, which are 256 tokens. */
const segments = 4;
const segmentBytes = 16 * 8192;
const hotChains = 60;
const requests = 1200;

/**
 * How much of what a full server keeps can be used: a segment is useless without those before it. 70 % of the requests are for 60
 * chains, the others are for chains that nobody asks for again; what a request does not find, it writes.
 */
export async function keptBytes(): Promise<FleetRow> {
  await using server = await startServer(
    '--maxmemory',
    '64mb',
    '--maxmemory-policy',
    'volatile-lfu',
  );
  const client = new Redis(server.path);
  const store = valkeyStore(client, { deadlineMs: 60_000 });
  const value = new Uint8Array(segmentBytes).fill(1);
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const keysOf = (chain: number): string[] =>
    Array.from({ length: segments }, (_, i) => `c${chain}.${i}`);
  for (let i = 0; i < requests; i++) {
    const chain = random() < 0.7 ? Math.floor(random() * hotChains) : hotChains + i;
    const keys = keysOf(chain);
    const found = await store.getMany(keys, { bytesPerValue: segmentBytes });
    await store.putMany(keys.filter((_, k) => !found[k]).map((key) => [key, value]));
  }
  const kept = new Set<string>();
  for await (const key of store.keys()) kept.add(key);
  client.disconnect();
  const isUsable = (key: string): boolean => {
    const [chain, index] = key.slice(1).split('.').map(Number);
    return keysOf(chain!)
      .slice(0, index)
      .every((before) => kept.has(before));
  };
  const usable = [...kept].filter(isUsable).length;
  return {
    name: `usable share of ${kept.size} kept segments`,
    unit: '%',
    runs: [(100 * usable) / kept.size],
    floor: 75,
  };
}
