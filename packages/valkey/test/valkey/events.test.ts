import { createRouter, type Router, type WorkerLoad } from '@heed/router';
import { Rng } from '@heed/testing';
import { startServer, type TestServer } from '@heed/testing/valkey';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import {
  followKvEvents,
  publishKvEvents,
  type PublishOptions,
  type ValkeyClient,
} from '../../src/index.ts';
import { closeClients, connect, type TestClient } from './clients.ts';
import { nameOf, ToyCache } from './toy-cache.ts';

let server: TestServer;
let client: TestClient;
beforeAll(async () => {
  server = await startServer();
  client = connect(server.path);
});
const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});
afterAll(async () => {
  closeClients();
  await server[Symbol.asyncDispose]();
});

const load: WorkerLoad = {
  queuedTokens: 0,
  runningSequences: 0,
  tokensPerSecond: 1000,
  freePages: 5,
  pages: 9,
};
let cells = 0;
const newCell = (): string => `cell ${cells++}`;

const publish = (
  cache: ToyCache,
  cell: string,
  worker: string,
  more: Partial<PublishOptions> = {},
) => {
  const publisher = publishKvEvents(cache, client, {
    cell,
    worker,
    url: `http://${worker}`,
    load: () => load,
    ...more,
  });
  open.push(publisher);
  return publisher;
};

const follow = (cell: string, by: ValkeyClient = client) => {
  const router = createRouter({ pageSize: 4, speculativeMs: 0 });
  const follower = followKvEvents(by, router, { cell });
  open.push(follower);
  return { router, follower };
};

/** The pages, of those below 64, by which the router would find a worker. */
function believed(router: Router, worker: string): number[] {
  const exclude = router
    .workers()
    .map((one) => one.worker)
    .filter((one) => one !== worker);
  const pages = Array.from({ length: 64 }, (_, page) => page);
  return pages.filter(
    (page) => router.route([nameOf(page)], { length: 5, exclude })?.cachedTokens === 4,
  );
}

const sorted = ({ held }: ToyCache): number[] => [...held].toSorted((a, b) => a - b);

const quick = { flushMs: 1, pageSize: 4, snapshotMs: 300 };

const until = (check: () => unknown): Promise<unknown> =>
  vi.waitFor(check, { timeout: 6000, interval: 20 });

it('a router has what each worker has: what it held before, what it stores and removes, and when it clears', async () => {
  const cell = newCell();
  const [a, b] = [new ToyCache(), new ToyCache()];
  a.store(1, 2, 3);
  publish(a, cell, 'a', { bits: 'lavapipe' });
  publish(b, cell, 'b');
  const { router } = follow(cell);
  await until(() => expect(believed(router, 'a')).toEqual([1, 2, 3]));
  expect(
    router
      .workers()
      .map(({ worker, url, bits }) => ({ worker, url, bits }))
      .toSorted((x, y) => (x.worker < y.worker ? -1 : 1)),
  ).toEqual([
    { worker: 'a', url: 'http://a', bits: 'lavapipe' },
    { worker: 'b', url: 'http://b', bits: undefined },
  ]);
  a.store(4);
  a.remove(2);
  b.store(9, 10);
  await until(() =>
    expect([believed(router, 'a'), believed(router, 'b')]).toEqual([
      [1, 3, 4],
      [9, 10],
    ]),
  );
  a.clear();
  a.store(7);
  await until(() => expect([believed(router, 'a'), believed(router, 'b')]).toEqual([[7], [9, 10]]));
});

it('no token travels', async () => {
  const cell = newCell();
  const cache = new ToyCache();
  cache.store(1);
  const { stats } = publish(cache, cell, 'a');
  expect(stats.errors).toBe(0);
  await until(async () =>
    expect(await client.call('XLEN', `heed:{${cell}}:ev:a`)).toBeGreaterThan(0),
  );
  const texts = [
    await client.call('GET', `heed:{${cell}}:snap:a`),
    await client.call('XRANGE', `heed:{${cell}}:ev:a`, '-', '+'),
    await client.call('GET', `heed:{${cell}}:w:a`),
  ];
  expect(JSON.stringify(texts)).not.toMatch(/token[^s]|"tokens"/);
  expect(await client.ttl!(`heed:{${cell}}:w:a`)).toBeGreaterThan(0);
  expect(await client.ttl!(`heed:{${cell}}:snap:a`)).toBe(-1); // it is never evicted
});

it('a worker that ends is dropped at once, and one that starts anew is followed anew', async () => {
  const cell = newCell();
  const first = new ToyCache();
  first.store(1, 2);
  const publisher = publish(first, cell, 'a');
  const { router } = follow(cell);
  await until(() => expect(believed(router, 'a')).toEqual([1, 2]));
  const { epoch } = router.workers()[0]!;
  const again = new ToyCache();
  again.store(5);
  publish(again, cell, 'a'); // before the first one ends, which then writes no more
  await publisher[Symbol.asyncDispose]();
  await until(() => expect(believed(router, 'a')).toEqual([5]));
  expect(router.workers()[0]!.epoch).toBeGreaterThan(epoch!);
});

it('a worker that is killed is dropped when its heartbeat expires', async () => {
  const cell = newCell();
  const { router } = follow(cell);
  const now = Date.now();
  const beat = { version: 1, url: 'http://a', load, epoch: now, seq: 0 };
  await client.sadd(`heed:{${cell}}:workers`, 'a');
  await client.set(`heed:{${cell}}:w:a`, JSON.stringify(beat), 'PX', 700);
  await until(() => expect(router.workers()).toHaveLength(1));
  await until(() => expect(router.workers()).toHaveLength(0));
});

it('a gap in a stream, and a stream that was lost, are made good by a snapshot', async () => {
  const cell = newCell();
  const cache = new ToyCache();
  cache.store(1);
  publish(cache, cell, 'a', quick);
  const { router, follower } = follow(cell);
  await until(() => expect(believed(router, 'a')).toEqual([1]));
  const before = follower.stats.snapshots;
  // A message from the future of this stream: those between are missing.
  const { epoch } = router.workers()[0]!;
  const message = {
    version: 1,
    worker: 'a',
    epoch,
    seq: 1000,
    pageSize: 4,
    namespace: '',
    operations: [{ cleared: true }],
  };
  await client.xadd(`heed:{${cell}}:ev:a`, '*', 'm', JSON.stringify(message));
  await until(() => expect(follower.stats.snapshots).toBeGreaterThan(before));
  cache.store(2);
  await client.unlink(`heed:{${cell}}:ev:a`);
  cache.store(3);
  await until(() => expect(believed(router, 'a')).toEqual([1, 2, 3]));
});

it('a server that loses everything is filled again, and the router keeps what it knew meanwhile', async () => {
  const own = await startServer();
  const other = connect(own.path);
  try {
    const cell = newCell();
    const cache = new ToyCache();
    cache.store(1, 2);
    const publisher = publishKvEvents(cache, other, {
      cell,
      worker: 'a',
      url: 'http://a',
      load: () => load,
    });
    open.push(publisher);
    const { router } = follow(cell, other);
    await until(() => expect(believed(router, 'a')).toEqual([1, 2]));
    await own.kill();
    cache.store(3);
    cache.remove(1);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(believed(router, 'a')).toEqual([1, 2]);
    await own.restart();
    await until(() => expect(believed(router, 'a')).toEqual([2, 3]));
    own.freeze();
    cache.store(4);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(believed(router, 'a')).toEqual([2, 3]);
    own.thaw();
    await until(() => expect(believed(router, 'a')).toEqual([2, 3, 4]));
  } finally {
    for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
    await own[Symbol.asyncDispose]();
  }
});

it('after random changes, losses and restarts, two routers that come at different times agree with the workers', async () => {
  const cell = newCell();
  const rng = new Rng(7);
  const pick = (count: number): number => rng.int(0, count - 1);
  const caches = Array.from({ length: 3 }, () => new ToyCache());
  const publishers = caches.map((cache, i) => publish(cache, cell, `w${i}`, quick));
  const { router: early } = follow(cell);
  for (let step = 0; step < 400; step++) {
    const i = pick(3);
    const cache = caches[i]!;
    const action = pick(40);
    if (action < 22) cache.store(pick(64), pick(64));
    else if (action < 34) cache.remove(pick(64), pick(64));
    else if (action === 34) cache.clear();
    else if (action === 35) await client.call('XTRIM', `heed:{${cell}}:ev:w${i}`, 'MAXLEN', 0);
    else if (action === 36) await client.unlink(`heed:{${cell}}:snap:w${i}`);
    else if (action === 37) {
      await publishers[i]![Symbol.asyncDispose]();
      caches[i] = new ToyCache();
      publishers[i] = publish(caches[i], cell, `w${i}`, quick);
    } else await new Promise((resolve) => setTimeout(resolve, 3));
  }
  const { router: late } = follow(cell);
  await until(() => {
    for (const router of [early, late]) {
      for (const [i, cache] of caches.entries())
        expect(believed(router, `w${i}`)).toEqual(sorted(cache));
    }
  });
});

it('another worker’s messages, and what is no message, change nothing', async () => {
  const cell = newCell();
  const cache = new ToyCache();
  cache.store(1);
  publish(cache, cell, 'a');
  const { router, follower } = follow(cell);
  await until(() => expect(believed(router, 'a')).toEqual([1]));
  const { epoch } = router.workers()[0]!;
  const forged = {
    version: 1,
    worker: 'b',
    epoch,
    seq: 2,
    pageSize: 4,
    namespace: '',
    operations: [{ cleared: true }],
  };
  const before = follower.stats.errors;
  for (const text of [
    JSON.stringify(forged),
    '{',
    '[]',
    JSON.stringify({ ...forged, worker: 'a', version: 2 }),
  ]) {
    await client.xadd(`heed:{${cell}}:ev:a`, '*', 'm', text);
  }
  await client.sadd(`heed:{${cell}}:workers`, 'evil');
  await client.set(`heed:{${cell}}:w:evil`, '{"load":{"queuedTokens":"x"}}', 'PX', 5000);
  await until(() => expect(follower.stats.errors).toBeGreaterThan(before + 4));
  expect(follower.stats.lastError).toBeInstanceOf(Error);
  expect(router.workers().map(({ worker }) => worker)).toEqual(['a']);
  cache.store(2);
  await until(() => expect(believed(router, 'a')).toEqual([1, 2]));
});

it('publishKvEvents and followKvEvents refuse what is none', async () => {
  const cache = new ToyCache();
  const good = { cell: 'c', worker: 'a', url: 'http://a', load: () => load };
  const router = createRouter({ pageSize: 4 });
  const calls: readonly (readonly [() => unknown, RegExp])[] = [
    [
      () => publishKvEvents(cache, {} as never, good),
      /publishKvEvents: client must have getBuffer\(\)/,
    ],
    [() => publishKvEvents({} as never, client, good), /cache must be a PagedKvCache/],
    [
      () => publishKvEvents(cache, client, { ...good, cell: 'a{b' }),
      /cell must be .* without braces; got 'a\{b'/,
    ],
    [() => publishKvEvents(cache, client, { ...good, worker: '' }), /worker must be a string/],
    [() => publishKvEvents(cache, client, { ...good, load } as never), /load must be a function/],
    [
      () => publishKvEvents(cache, client, { ...good, ttl: 1 } as never),
      /there is no ttl in options/,
    ],
    [() => followKvEvents(client, {} as never, { cell: 'c' }), /router must be a Router/],
    [
      () => followKvEvents(client, router, { cell: 'c', signal: 1 } as never),
      /signal must be an AbortSignal/,
    ],
    [
      () =>
        followKvEvents(client, router, { cell: 'c', signal: AbortSignal.abort(new Error('no')) }),
      /no/,
    ],
  ];
  for (const [call, message] of calls) expect(call).toThrow(message);
  const controller = new AbortController();
  const follower = followKvEvents(client, router, { cell: 'c', signal: controller.signal });
  controller.abort();
  await follower[Symbol.asyncDispose]();
});
