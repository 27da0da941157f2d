import { HeedError } from '@heed/core';
import { describeStore } from '@heed/testing/store-contract';
import { startServer, type TestServer } from '@heed/testing/valkey';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ValkeyStore, valkeyStore, type ValkeyStoreOptions } from '../../src/index.ts';
import { closeClients, connect, type TestClient } from './clients.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer('--maxmemory', '64mb', '--maxmemory-policy', 'volatile-lfu');
});
afterAll(async () => {
  closeClients();
  await server[Symbol.asyncDispose]();
});

const clients = new Map<string, TestClient>();
const clientOf = (kind: 'iovalkey' | 'ioredis'): TestClient => {
  const known = clients.get(kind) ?? connect(server.path, kind);
  clients.set(kind, known);
  return known;
};
let stores = 0;
/** Returns an empty store: each has its own prefix, and each prefix has characters that patterns use. */
const open = (
  kind: 'iovalkey' | 'ioredis' = 'iovalkey',
  options: ValkeyStoreOptions = {},
): ValkeyStore =>
  valkeyStore(clientOf(kind), { prefix: `t[${stores++}]*:`, deadlineMs: 5000, ...options });

describe.for(['iovalkey', 'ioredis'] as const)('with %s', (kind) => {
  describeStore('valkeyStore()', () => open(kind));
});

const bytes = (length: number, fill = 1): Uint8Array => new Uint8Array(length).fill(fill);

describe('valkeyStore', () => {
  it('counts what it read and wrote, and the time', async () => {
    const store = open();
    await store.putMany([
      ['a', bytes(1000)],
      ['b', bytes(500)],
    ]);
    expect(await store.getMany(['a', 'x', 'b'])).toEqual([bytes(1000), undefined, bytes(500)]);
    const { readMs, writeMs, ...counts } = store.stats;
    expect(counts).toEqual({
      hits: 2,
      bytesRead: 1500,
      misses: 1,
      late: 0,
      kept: 2,
      bytesWritten: 1500,
      refused: 0,
      unanswered: 0,
      renewed: 0,
      breaker: 'closed',
      breakerOpened: 0,
      policy: undefined,
    });
    expect(readMs).toBeGreaterThan(0);
    expect(writeMs).toBeGreaterThan(0);
  });

  it('writes each entry with a time to live, and renews it on a hit when less than half is left', async () => {
    const client = clientOf('iovalkey');
    const store = open('iovalkey', { prefix: 'ttl:', ttlSeconds: 100 });
    await store.put('a', bytes(9));
    expect(await client.ttl!('ttl:a')).toBeGreaterThan(95);
    await client.expire!('ttl:a', 60);
    const other = open('iovalkey', { prefix: 'ttl:', ttlSeconds: 100 });
    await other.get('a');
    await settled(other);
    expect(await client.ttl!('ttl:a')).toBeLessThan(61); // more than half is left
    await client.expire!('ttl:a', 40);
    const third = open('iovalkey', { prefix: 'ttl:', ttlSeconds: 100 });
    await third.getMany(['a']);
    await settled(third);
    expect(await client.ttl!('ttl:a')).toBeGreaterThan(95);
    expect([other.stats.renewed, third.stats.renewed]).toEqual([0, 1]);
  });

  it('bounds the bytes in flight, with one entry at least', async () => {
    const client = clientOf('iovalkey');
    const flight = { now: 0, most: 0 };
    const spy = new Proxy(client, {
      get: (target, name) =>
        name === 'getBuffer'
          ? async (key: string) => {
              flight.most = Math.max(flight.most, ++flight.now);
              return target.getBuffer(key).finally(() => flight.now--);
            }
          : bound(target, name),
    });
    const store = valkeyStore(spy, { prefix: 'flight:', batchBytes: 1000, deadlineMs: 5000 });
    const keys = Array.from({ length: 30 }, (_, i) => `k${i}`);
    await store.putMany(keys.map((key) => [key, bytes(200)]));
    expect((await store.getMany(keys, { bytesPerValue: 200 })).every(Boolean)).toBe(true);
    expect(flight.most).toBe(5);
    flight.most = 0;
    await Promise.all([
      store.getMany(keys, { bytesPerValue: 5000 }),
      store.getMany(keys, { bytesPerValue: 400 }),
    ]);
    expect(flight.most).toBeLessThanOrEqual(2);
  });

  it('reports a policy that evicts the wrong keys, once', async () => {
    const client = clientOf('iovalkey');
    const told: (string | undefined)[] = [];
    for (const [policy, memory] of [
      ['noeviction', '8mb'],
      ['allkeys-lru', '8mb'],
      ['volatile-ttl', '8mb'],
      ['volatile-lfu', '0'],
    ] as const) {
      await client.call('CONFIG', 'SET', 'maxmemory-policy', policy, 'maxmemory', memory);
      const store = open();
      await store.get('a');
      await settled(store);
      told.push(store.stats.policy);
    }
    await client.call('CONFIG', 'SET', 'maxmemory-policy', 'volatile-lfu', 'maxmemory', '64mb');
    expect(told).toEqual([
      expect.stringMatching(
        /noeviction, so a full server refuses pages\. Set maxmemory, .* volatile-lfu/,
      ),
      expect.stringMatching(/allkeys-lru, which also evicts control keys/),
      expect.stringMatching(/volatile-ttl, which drops pages that are in use/),
      expect.stringMatching(/no maxmemory, so it grows/),
    ]);
  });

  it('counts what a full server refuses, and rejects a put with CapacityError', async () => {
    const full = await startServer('--maxmemory', '4mb', '--maxmemory-policy', 'noeviction');
    try {
      const store = valkeyStore(connect(full.path), { deadlineMs: 5000 });
      const entries = Array.from({ length: 12 }, (_, i) => [`k${i}`, bytes(1 << 19)] as const);
      const { kept, refused } = await store.putMany(entries);
      expect(kept).toBeGreaterThan(0);
      expect(refused).toBeGreaterThan(0);
      expect(kept + refused).toBe(12);
      expect(store.stats).toMatchObject({ kept, refused, unanswered: 0, breaker: 'closed' });
      const error: unknown = await store
        .put('more', bytes(1 << 19))
        .catch((thrown: unknown) => thrown);
      expect(HeedError.is(error) && error.code).toBe('capacity');
      expect(String(error)).toMatch(/put: the server is full .* volatile-lfu/);
      expect(await store.putMany([['again', bytes(1 << 19)]])).toEqual({ kept: 0, refused: 1 });
    } finally {
      await full[Symbol.asyncDispose]();
    }
  });

  it('rejects what a server denies to everybody', async () => {
    const secret = await startServer('--requirepass', 'x');
    try {
      const store = valkeyStore(connect(secret.path, 'iovalkey', { enableReadyCheck: false }), {
        deadlineMs: 5000,
      });
      await expect(store.get('a')).rejects.toThrow(/NOAUTH/);
      await expect(store.getMany(['a', 'b'])).rejects.toThrow(/NOAUTH/);
      await expect(store.put('a', bytes(1))).rejects.toThrow(/NOAUTH/);
      await expect(store.putMany([['a', bytes(1)]])).rejects.toThrow(/NOAUTH/);
      expect(store.stats.breaker).toBe('closed');
    } finally {
      await secret[Symbol.asyncDispose]();
    }
  });

  it('lists its own keys only', async () => {
    const client = clientOf('iovalkey');
    const store = open('iovalkey', { prefix: 'own:' });
    await store.put('a', bytes(1));
    await client.set('own:UPPER', 'x', 'EX', 9);
    await client.set('ownership', 'x', 'EX', 9);
    const keys: string[] = [];
    for await (const key of store.keys()) keys.push(key);
    expect(keys).toEqual(['a']);
  });

  it('ends with its commands, and leaves the client open', async () => {
    const store = open();
    const put = store.put('a', bytes(10));
    await store[Symbol.asyncDispose]();
    await put;
    await expect(store.get('a')).rejects.toThrow(/get: the store was disposed/);
    expect(await clientOf('iovalkey').call('PING')).toBe('PONG');
  });
});

const bound = (target: TestClient, name: string | symbol): unknown => {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function'
    ? (value as (...args: unknown[]) => unknown).bind(target)
    : value;
};

/** Waits for the commands that nobody waits for. */
async function settled(store: ValkeyStore): Promise<void> {
  await store[Symbol.asyncDispose]();
}
