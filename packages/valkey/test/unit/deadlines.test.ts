import { expect, it } from 'vitest';
import {
  type Clock,
  UnreachableError,
  type ValkeyClient,
  valkeyStore,
  type ValkeyStoreOptions,
} from '../../src/index.ts';

/** A clock that stands still until it is told otherwise. */
class ToyClock implements Clock {
  time = 0;
  readonly #timers = new Map<object, { readonly at: number; readonly call: () => void }>();
  now = (): number => this.time;
  setTimeout = (call: () => void, ms: number): object => {
    const timer = {};
    this.#timers.set(timer, { at: this.time + ms, call });
    return timer;
  };
  clearTimeout = (timer: unknown): void => void this.#timers.delete(timer as object);

  /** Lets time pass, in small steps, and promises settle in between. */
  async pass(ms: number): Promise<void> {
    const end = this.time + ms;
    while (this.time < end) {
      this.time = Math.min(end, this.time + 1);
      for (const [timer, { at, call }] of Array.from(this.#timers)) {
        if (at > this.time || !this.#timers.delete(timer)) continue;
        call();
      }
      await turn();
    }
  }
}

const turn = (): Promise<void> =>
  new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** A client whose reads are answered by the test: `asked` has a function per read that was sent and not answered. */
function open(options: ValkeyStoreOptions = {}) {
  const clock = new ToyClock();
  const asked: {
    readonly key: string;
    readonly answer: (bytes: Uint8Array | null) => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  const never = (): Promise<never> => new Promise(() => {});
  const parts = ['unlink', 'xadd', 'xread', 'smembers', 'sadd', 'srem', 'scan', 'duplicate', 'set'];
  const client = {
    ...Object.fromEntries(parts.map((part) => [part, never])),
    getBuffer: (key: string) =>
      new Promise<Uint8Array | null>((answer, fail) => asked.push({ key, answer, fail })),
  } as unknown as ValkeyClient;
  const store = valkeyStore(client, { clock, prefix: '', ...options });
  return { clock, asked, store };
}

/** Returns what has become of a promise. */
function watch<T>(promise: Promise<T>): { state: string; value?: T } {
  const seen: { state: string; value?: T } = { state: 'pending' };
  promise.then(
    (value) => Object.assign(seen, { state: 'done', value }),
    (error: Error) => Object.assign(seen, { state: error.name }),
  );
  return seen;
}

const bytes = Uint8Array.of(1, 2, 3);

it('a command may take its deadline, and the time of the bytes in flight', async () => {
  const { clock, asked, store } = open({
    deadlineMs: 100,
    minBytesPerSecond: 1e6,
    batchBytes: 1e6,
  });
  const many = watch(store.getMany(['a', 'b'], { bytesPerValue: 50_000 }));
  await turn();
  expect(asked.map(({ key }) => key)).toEqual(['a', 'b']);
  await clock.pass(140); // a may take 100 + 50 ms, b 100 + 100
  asked[0]!.answer(bytes);
  await clock.pass(55);
  expect(many.state).toBe('pending');
  asked[1]!.answer(null);
  await turn();
  expect(many).toEqual({ state: 'done', value: [bytes, undefined] });
});

it('what is late counts as missing, with all behind it, and its answer is dropped when it comes', async () => {
  const { clock, asked, store } = open({ deadlineMs: 100, minBytesPerSecond: 1e9, batchBytes: 20 });
  const many = watch(store.getMany(['a', 'b', 'c', 'd', 'e'], { bytesPerValue: 10 }));
  await turn();
  expect(asked).toHaveLength(2); // 20 bytes
  asked[0]!.answer(bytes);
  await clock.pass(50);
  expect(asked.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  asked[2]!.answer(bytes);
  await clock.pass(51);
  expect(many).toEqual({ state: 'done', value: [bytes, undefined, bytes, undefined, undefined] });
  const { value } = many;
  asked[1]!.answer(bytes);
  asked[3]?.answer(bytes);
  await turn();
  expect(value![1]).toBeUndefined();
  expect(asked.map(({ key }) => key)).not.toContain('e'); // it was not sent any more
  expect(store.stats).toMatchObject({ breaker: 'closed', breakerOpened: 0 });
});

it('a server that never answers makes calls fail: after five in a row at once, until one is tried', async () => {
  const { clock, asked, store } = open({ deadlineMs: 100, breaker: { coolMs: 1000 } });
  for (let i = 0; i < 5; i++) {
    const get = watch(store.get('a'));
    await clock.pass(200);
    expect(get.state).toBe('UnreachableError');
  }
  expect(store.stats).toMatchObject({ breaker: 'open', breakerOpened: 1, late: 5 });
  const sent = asked.length;
  await expect(store.get('a')).rejects.toThrow(
    /gave no answer to 5 commands in a row; the next is sent in \d+ ms/,
  );
  await expect(store.getMany(['a', 'b'])).rejects.toBeInstanceOf(UnreachableError);
  await expect(store.putMany([['a', bytes]])).rejects.toBeInstanceOf(UnreachableError);
  expect(asked).toHaveLength(sent);
  await clock.pass(1000);
  const probe = watch(store.get('a'));
  const beside = watch(store.get('b'));
  await turn();
  expect([asked.length, beside.state]).toEqual([sent + 1, 'UnreachableError']);
  asked.at(-1)!.answer(bytes);
  await turn();
  expect(probe).toEqual({ state: 'done', value: bytes });
  expect(store.stats.breaker).toBe('closed');
});

it('slow answers do not open the breaker, nor do errors of the server', async () => {
  const { clock, asked, store } = open({ deadlineMs: 100, minBytesPerSecond: 1e12 });
  for (let i = 0; i < 8; i++) {
    const slow = watch(store.get('slow'));
    await clock.pass(50);
    const quick = watch(store.get('quick'));
    await turn();
    asked.at(-1)!.answer(null);
    await clock.pass(150);
    expect([slow, quick]).toEqual([
      { state: 'done', value: undefined },
      { state: 'done', value: undefined },
    ]);
  }
  for (let i = 0; i < 8; i++) {
    const get = watch(store.get('a'));
    await turn();
    asked
      .at(-1)!
      .fail(Object.assign(new Error('NOAUTH Authentication required.'), { name: 'ReplyError' }));
    await turn();
    expect(get.state).toBe('ReplyError');
  }
  expect(store.stats).toMatchObject({ breaker: 'closed', breakerOpened: 0 });
});

it('connections that break open the breaker', async () => {
  const { asked, store } = open({ breaker: { failures: 2 } });
  for (let i = 0; i < 2; i++) {
    const get = watch(store.get('a'));
    await turn();
    asked.at(-1)!.fail(new Error('Connection is closed.'));
    await turn();
    expect(get.state).toBe('UnreachableError');
  }
  expect(store.stats.breaker).toBe('open');
});

it('connections that break while others answer do not', async () => {
  const { asked, store } = open({ breaker: { failures: 2 } });
  const many = watch(store.getMany(['a', 'b', 'c', 'd', 'e']));
  await turn();
  asked[0]!.answer(bytes);
  await turn();
  for (const { fail } of asked.slice(1)) fail(new Error('Connection is closed.'));
  await turn();
  expect(many).toEqual({
    state: 'done',
    value: [bytes, undefined, undefined, undefined, undefined],
  });
  expect(store.stats.breaker).toBe('closed');
});

it('a clock that jumps ahead or back leaves no call waiting, and no breaker open for long', async () => {
  for (const jump of [3.6e6, -3.6e6]) {
    const { clock, asked, store } = open({
      deadlineMs: 100,
      breaker: { failures: 1, coolMs: 1000 },
    });
    const get = watch(store.get('a'));
    await clock.pass(50);
    const rest = jump > 0 ? jump : 0;
    clock.time += rest;
    await clock.pass(300);
    expect(get.state).toBe('UnreachableError');
    expect(store.stats.breaker).toBe('open');
    clock.time += jump;
    const again = watch(store.get('a'));
    await turn();
    asked.at(-1)!.answer(bytes);
    await turn();
    expect(again.state).toBe('done');
  }
});

it('an abort ends the wait, with its reason', async () => {
  const { store } = open();
  const controller = new AbortController();
  const reason = new Error('enough');
  const calls = [
    store.getMany(['a'], { signal: controller.signal }),
    store.putMany([['a', bytes]], { signal: controller.signal }),
  ];
  await turn();
  controller.abort(reason);
  for (const call of calls) await expect(call).rejects.toBe(reason);
});

it('options out of range are refused', () => {
  const client = { getBuffer: () => {} } as never;
  expect(() => valkeyStore(client)).toThrow(/valkeyStore: client must have set\(\); got object/);
  const calls: readonly (readonly [object, RegExp])[] = [
    [{ ttl: 5 }, /there is no ttl in options/],
    [{ ttlSeconds: 0 }, /ttlSeconds must be a whole number from 1 on; got 0/],
    [{ deadlineMs: 0 }, /deadlineMs must be a number from 1 on/],
    [{ minBytesPerSecond: NaN }, /minBytesPerSecond must be/],
    [{ batchBytes: 0 }, /batchBytes must be/],
    [{ prefix: 5 }, /prefix must be a string; got 5/],
    [{ breaker: { fails: 1 } }, /valkeyStore, breaker: there is no fails/],
    [{ breaker: { failures: 0 } }, /breaker\.failures must be/],
    [{ clock: 5 }, /clock must have now/],
  ];
  for (const [options, message] of calls) expect(() => open(options)).toThrow(message);
});
