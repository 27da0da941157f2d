import { connect as connectSocket } from 'node:net';
import { startServer, type TestServer } from '@heed/testing/valkey';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type ValkeyStore, valkeyStore, type ValkeyStoreOptions } from '../../src/index.ts';
import { closeClients, connect } from './clients.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer('--maxmemory', '8mb', '--maxmemory-policy', 'volatile-lfu');
});
afterEach(async () => {
  server.thaw();
  closeClients();
  await server.restart();
});
afterAll(async () => {
  closeClients();
  await server[Symbol.asyncDispose]();
});

const valueBytes = 32_768;
const keys = Array.from({ length: 12 }, (_, i) => `k${i}`);
const valueOf = (key: string): Uint8Array => new Uint8Array(valueBytes).fill(Number(key.slice(1)));
const limits = { deadlineMs: 150, minBytesPerSecond: 20e6, breaker: { failures: 3, coolMs: 200 } };
/** The longest that a call may take: what is in flight, also of calls beside and before it, has its time. */
const inFlight = 6 * keys.length * valueBytes;
const most = limits.deadlineMs + (1000 * inFlight) / limits.minBytesPerSecond + 50;

const open = (
  options: ValkeyStoreOptions = {},
  kind: 'iovalkey' | 'ioredis' = 'iovalkey',
): ValkeyStore => valkeyStore(connect(server.path, kind), { ...limits, ...options });

/** Runs calls; returns what became of each, and the longest time of one, less the time in which this process was held up. */
async function timed(
  calls: readonly (() => Promise<unknown>)[],
): Promise<{ results: string[]; ms: number }> {
  let [heldUp, last] = [0, performance.now()];
  const interval = setInterval(() => {
    const now = performance.now();
    heldUp += Math.max(0, now - last - 5);
    last = now;
  }, 4);
  let ms = 0;
  const results = await Promise.all(
    calls.map(async (call) => {
      const [start, before] = [performance.now(), heldUp];
      const result = await call().then(
        () => 'done',
        (error: Error) => error.name,
      );
      ms = Math.max(ms, performance.now() - start - (heldUp - before));
      return result;
    }),
  );
  clearInterval(interval);
  return { results, ms };
}

const allCalls = (store: ValkeyStore): (() => Promise<unknown>)[] => [
  () => store.get('k0'),
  () => store.getMany(keys, { bytesPerValue: valueBytes }),
  () => store.put('k1', valueOf('k1')),
  () => store.putMany(keys.map((key) => [key, valueOf(key)])),
  () => store.delete('k99'),
  () => store.keys()[Symbol.asyncIterator]().next(),
];

/** Every value is the key's, or missing. */
function expectWhole(
  values: readonly (Uint8Array | undefined)[],
  of: readonly string[],
  right: (key: string) => Uint8Array,
): void {
  const wrong = of.filter((key, i) => values[i] && Buffer.compare(values[i], right(key)) !== 0);
  expect([values.length, wrong]).toEqual([of.length, []]);
}

/** Waits for answers that are on their way, and for signals. */
const quiet = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 30));

/** Waits until the store works again, as a server's loop would: by trying. */
async function recovered(store: ValkeyStore): Promise<void> {
  for (let i = 0; i < 200; i++) {
    try {
      await store.put('k0', valueOf('k0'));
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
  throw new Error('the store does not work again');
}

describe.for(['iovalkey', 'ioredis'] as const)('with the defaults of %s', (kind) => {
  it('every call settles in its time on a frozen server, and works again on one that goes on', async () => {
    const store = open({}, kind);
    await store.putMany(keys.map((key) => [key, valueOf(key)]));
    await quiet();
    server.freeze();
    await quiet();
    const { results, ms } = await timed(allCalls(store));
    expect(results).toEqual(results.map(() => 'UnreachableError'));
    expect(ms).toBeLessThan(most);
    expect(store.stats.breaker).toBe('open');
    const refused = await timed(allCalls(store));
    expect(refused.ms).toBeLessThan(50); // the breaker is open
    server.thaw();
    await recovered(store);
    const values = await store.getMany(keys, { bytesPerValue: valueBytes });
    expectWhole(values, keys, valueOf);
    expect(store.stats.breaker).toBe('closed');
  });

  it('every call settles in its time when the server dies, and works again with another', async () => {
    const store = open({}, kind);
    await store.putMany(keys.map((key) => [key, valueOf(key)]));
    const calls = timed(allCalls(store));
    await server.kill();
    const under = await calls;
    expect(under.ms).toBeLessThan(most);
    const dead = await timed(allCalls(store));
    expect(dead.results).toEqual(dead.results.map(() => 'UnreachableError'));
    expect(dead.ms).toBeLessThan(most);
    await server.restart();
    await recovered(store);
    // Others were lost, or put again by the client, which repeats what was under way.
    expectWhole(await store.getMany(keys), keys, valueOf);
    expect(await store.get('k0')).toEqual(valueOf('k0'));
  });
});

it.for(['getMany', 'putMany', 'keys'] as const)(
  'a server that freezes within %s gives what came before',
  async (call) => {
    const store = open({ batchBytes: 2 * valueBytes });
    await store.putMany(keys.map((key) => [key, valueOf(key)]));
    const stages = [0, 1, 3];
    for (const turns of stages) {
      const run = {
        getMany: () => store.getMany(keys, { bytesPerValue: valueBytes }),
        putMany: () => store.putMany(keys.map((key) => [key, valueOf(key)])),
        keys: async () => {
          for await (const key of store.keys()) expect(keys).toContain(key);
        },
      }[call];
      let values: unknown;
      const timing = timed([async () => (values = await run())]);
      for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
      server.freeze();
      const { results, ms } = await timing;
      expect(['done', 'UnreachableError']).toContain(results[0]);
      expect(ms).toBeLessThan(call === 'putMany' ? 2 * most : most); // what was sent, and what waited for it
      if (call === 'getMany' && results[0] === 'done') {
        expectWhole(values as Uint8Array[], keys, valueOf);
      }
      server.thaw();
      await recovered(store);
      await store.putMany(keys.map((key) => [key, valueOf(key)]));
    }
  },
);

it('a server that evicts meanwhile gives each entry whole or not at all', async () => {
  const store = open({ deadlineMs: 5000, prefix: 'evict:' });
  const many = Array.from({ length: 160 }, (_, i) => `k${i % 250}`);
  const large = (key: string): Uint8Array => new Uint8Array(100_000).fill(Number(key.slice(1)));
  let found = 0;
  for (let round = 0; round < 2; round++) {
    const [, values] = await Promise.all([
      store.putMany(many.map((key) => [key, large(key)])),
      store.getMany(many, { bytesPerValue: 100_000 }),
    ]);
    found += values.filter(Boolean).length;
    expectWhole(values, many, large);
  }
  const left = (await store.getMany(many, { bytesPerValue: 100_000 })).filter(Boolean).length;
  expect(left).toBeGreaterThan(20);
  expect(left).toBeLessThan(many.length); // 16 MB do not fit into 8
  expect(found).toBeGreaterThan(0);
  expect(store.stats).toMatchObject({ refused: 0, breaker: 'closed' });
});

it('a slow reader beside it, whose answers take the server’s memory, costs entries and no answer', async () => {
  const store = open({ deadlineMs: 5000, prefix: 'slow:' });
  await store.putMany(keys.map((key) => [key, valueOf(key)]));
  const reader = connectSocket(server.path);
  reader.on('error', () => {});
  const request = keys
    .map((key) => `*2\r\n$3\r\nGET\r\n$${key.length + 5}\r\nslow:${key}\r\n`)
    .join('');
  reader.pause();
  for (let i = 0; i < 40; i++) reader.write(request); // 15 MB of answers that nobody takes
  await new Promise((resolve) => setTimeout(resolve, 100));
  const values = await store.getMany(keys, { bytesPerValue: valueBytes });
  expectWhole(values, keys, valueOf);
  const { kept, refused } = await store.putMany(keys.map((key) => [key, valueOf(key)]));
  expect(kept + refused).toBe(keys.length);
  reader.destroy();
  await recovered(store);
});

it('a clock that jumps while a server is frozen ends no wait later than twice its time', async () => {
  for (const jump of [3.6e6, -3.6e6]) {
    let offset = 0;
    const clock = {
      now: () => performance.now() + offset,
      setTimeout: (call: () => void, ms: number) => setTimeout(call, ms),
      clearTimeout: (timer: unknown) => clearTimeout(timer as NodeJS.Timeout),
    };
    const store = open({ clock });
    await store.put('k0', valueOf('k0'));
    await quiet();
    server.freeze();
    await quiet();
    const timing = timed(allCalls(store));
    setTimeout(() => (offset = jump), 20);
    const { results, ms } = await timing;
    expect(results).not.toContain('done');
    expect(ms).toBeLessThan(2 * most);
    server.thaw();
    await recovered(store);
  }
});
