import { HeedError } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { createRouter, custom, type KvEventMessage, parseMessage } from '../../src/index.ts';
import { idle, names, open, short, snapshot } from './open-router.ts';

describe('route', () => {
  it('returns undefined without a worker, or without one that is allowed', () => {
    const { router } = open();
    expect(router.route(names(8), { length: 8 })).toBeUndefined();
    router.load('a', idle);
    expect(router.route(names(8), { length: 8, exclude: ['a'] })).toBeUndefined();
    expect(router.route(names(8), { length: 8, bits: 'x' })).toBeUndefined();
    router.drop('a');
    expect(router.route(names(8), { length: 8 })).toBeUndefined();
  });

  it('counts whole pages from the start, and never the last token', () => {
    const { router } = open();
    router.load('a', idle, { url: 'http://a', bits: 'x' });
    const chain = names(12);
    router.apply(snapshot('a', [chain[0]!, chain[1]!, chain[2]!]));
    const pick = router.route(chain, { length: 12 })!;
    expect(pick).toMatchObject({
      worker: 'a',
      url: 'http://a',
      bits: 'x',
      cachedTokens: 8,
      estimateMs: 4,
    });
    expect(pick.why).toBe('leastTtft: 8 of 12 tokens cached, 0 queued, one of 1');
    expect(router.route(names(13), { length: 13 })!.cachedTokens).toBe(12);
    router.apply(snapshot('a', [chain[0]!, chain[2]!], { epoch: 2 }));
    expect(router.route(chain, { length: 12 })!.cachedTokens).toBe(4);
  });

  it('goes where the first token comes first: a queue counts against what is cached', () => {
    const { router } = open({ speculativeMs: 0 });
    router.load('a', { ...idle, queuedTokens: 100 });
    router.load('b', idle);
    router.apply(snapshot('a', names(80)));
    expect(router.route(names(81), { length: 81 })).toMatchObject({ worker: 'b', estimateMs: 81 });
    router.load('a', { ...idle, queuedTokens: 50 });
    router.load('b', idle);
    expect(router.route(names(81), { length: 81 })).toMatchObject({ worker: 'a', estimateMs: 51 });
  });

  it('expects a routed prompt on its worker until the time is over, its tokens queued until the first comes', () => {
    const { router, clock } = open({ speculativeMs: 100 });
    for (const worker of ['a', 'b']) router.load(worker, idle);
    const first = router.route(names(40), { length: 40 })!;
    expect([first.worker, first.cachedTokens]).toEqual(['a', 0]);
    expect(router.route(names(40), { length: 40 })).toMatchObject({ worker: 'b' }); // a has 40 queued
    first.firstToken();
    expect(router.route(names(40), { length: 40 })).toMatchObject({
      worker: 'a',
      cachedTokens: 36,
    });
    clock.now = 99;
    expect(router.route(names(41), { length: 41 })!.cachedTokens).toBe(40);
    clock.now = 300;
    expect(router.route(names(40), { length: 40 })!.cachedTokens).toBe(0);
  });

  it('takes time off a queue that was told, and forgets its own share when it is told anew', () => {
    const { router, clock } = open();
    router.load('a', { ...idle, queuedTokens: 100 });
    clock.now = 60;
    expect(router.route([], { length: 3 })!.estimateMs).toBe(43);
    expect(router.route([], { length: 3 })!.estimateMs).toBe(46);
    router.load('a', { ...idle, queuedTokens: 6 });
    expect(router.route([], { length: 3 })!.estimateMs).toBe(9);
    clock.now = 10_000;
    expect(router.route([], { length: 3 })!.estimateMs).toBe(6);
  });

  it('avoids a worker for a second after a failure, unless there is no other', () => {
    const { router, clock } = open();
    router.load('a', idle);
    const pick = router.route(names(40), { length: 40 })!;
    pick.failed();
    pick.failed();
    expect(router.workers()[0]).toMatchObject({ suspect: true });
    expect(router.route(names(40), { length: 40 })).toMatchObject({
      worker: 'a',
      cachedTokens: 0,
      why: 'leastTtft: 0 of 40 tokens cached, 0 queued, one of 1, all suspect',
    });
    router.load('b', idle);
    clock.now = 999;
    expect(router.route([], { length: 1 })!.worker).toBe('b');
    clock.now = 1000;
    expect(router.workers().map(({ suspect }) => suspect)).toEqual([false, false]);
    pick.done();
  });

  it('forgets after a failure only what it expected of that request', () => {
    const { router } = open();
    router.load('a', idle);
    const one = router.route(names(8), { length: 9 })!;
    const other = router.route(names(8, 100), { length: 9 })!;
    router.apply(snapshot('a', names(4)));
    one.failed();
    expect(router.route(names(8), { length: 9 })!.cachedTokens).toBe(4);
    expect(router.route(names(8, 100), { length: 9 })!.cachedTokens).toBe(8);
    other.done();
    other.failed();
    expect(router.route(names(8, 100), { length: 9 })!.cachedTokens).toBe(8);
  });

  it('keeps a retry to workers that announce the same bits', () => {
    const { router } = open();
    router.load('a', idle, { bits: 'lavapipe 25' });
    router.load('b', idle, { bits: 'other' });
    router.load('c', { ...idle, queuedTokens: 1e6 }, { bits: 'lavapipe 25' });
    const { worker, bits } = router.route([], { length: 5 })!;
    expect(router.route([], { length: 5, exclude: [worker], bits: bits! })!.worker).toBe('c');
  });

  it('survives a clock that jumps', () => {
    const { router, clock } = open({ speculativeMs: 100 });
    router.load('a', idle);
    clock.now = 1e6;
    const pick = router.route(names(8), { length: 9 })!;
    pick.failed();
    router.route(names(8, 50), { length: 9 });
    clock.now = -1e6;
    expect(router.workers()[0]).toMatchObject({ suspect: false, age: 0 });
    expect(router.route(names(8, 50), { length: 9 })!.cachedTokens).toBe(0);
    clock.now = 5e6;
    expect(router.route(names(8, 50), { length: 9 })!.estimateMs).toBeLessThan(1e3);
  });

  it('takes the mean of the others as the rate of a worker without one', () => {
    const { router } = open({ policy: custom(({ worker }) => (worker === 'c' ? 1 : 0)) });
    router.apply(snapshot('c', []));
    expect(router.route([], { length: 100 })!.estimateMs).toBe(100); // 1,000 where none has one
    router.load('a', { ...idle, tokensPerSecond: 300 });
    router.load('b', { ...idle, tokensPerSecond: 100 });
    router.load('c', { ...idle, tokensPerSecond: 0 });
    expect(router.route([], { length: 100 })!.estimateMs).toBe(500);
  });
});

describe('apply', () => {
  it('keeps what it knew through a gap, and drops it at another start', () => {
    const { router } = open({ speculativeMs: 0 });
    const chain = names(16);
    const message = (
      seq: number,
      operations: KvEventMessage['operations'],
      epoch = 1,
    ): KvEventMessage => {
      const { snapshot: _, ...rest } = snapshot('a', [], { seq, operations, epoch });
      return rest;
    };
    expect(router.apply(message(1, []))).toBe('gap'); // it has no snapshot yet
    expect(router.apply(snapshot('a', chain.slice(0, 2)))).toBe('ok');
    expect(router.apply(message(1, [{ stored: short(chain.slice(2, 3)) }]))).toBe('ok');
    expect(router.route(chain, { length: 17 })!.cachedTokens).toBe(12);
    expect(router.apply(message(3, [{ cleared: true }]))).toBe('gap');
    expect(router.apply(message(2, [{ cleared: true }]))).toBe('gap');
    expect(router.route(chain, { length: 17 })!.cachedTokens).toBe(12);
    expect(router.apply(snapshot('a', [], { seq: 0 }))).toBe('ok'); // older, but messages may follow it
    expect(router.apply(snapshot('a', chain, { seq: 0, epoch: 0 }))).toBe('ok'); // of a former start
    expect(router.workers()[0]).toMatchObject({ epoch: 1, entries: 0 });
    expect(router.apply(snapshot('a', chain, { seq: 3 }))).toBe('ok');
    expect(router.apply(message(4, [{ removed: short(chain.slice(3)) }]))).toBe('ok');
    expect(router.route(chain, { length: 17 })!.cachedTokens).toBe(12);
    expect(router.apply(message(1, [], 2))).toBe('gap');
    expect(router.workers()[0]).toMatchObject({ epoch: 2, entries: 0, gap: true });
    expect(router.apply(snapshot('a', chain, { seq: 9 }))).toBe('gap'); // of the former start
    expect(router.workers()[0]).toMatchObject({ epoch: 2, entries: 0, gap: true });
  });

  const good = snapshot('a', names(4));
  const bad: readonly (readonly [string, unknown, RegExp])[] = [
    ['no object', 'x', /a message must be an object; got 'x'/],
    ['another version', { ...good, version: 2 }, /the version must be 1; got 2/],
    ['an unknown field', { ...good, tokens: [1] }, /there is no tokens in a message/],
    ['a long worker', { ...good, worker: 'x'.repeat(257) }, /worker must be a string of 1 to 256/],
    ['an epoch', { ...good, epoch: '1' }, /epoch must be a whole number/],
    ['a number', { ...good, seq: -1 }, /seq must be a whole number from 0 on; got -1/],
    ['an operation', { ...good, operations: [{ added: [] }] }, /an operation must be/],
    [
      'two operations in one',
      { ...good, operations: [{ stored: [], removed: [] }] },
      /an operation/,
    ],
    [
      'a name',
      { ...good, operations: [{ stored: ['__proto__'] }] },
      /32 hexadecimal digits; got '__proto__'/,
    ],
    ['a long namespace', { ...good, namespace: 'x'.repeat(2000) }, /at most 1,024/],
    ['no list', { ...good, operations: 'x' }, /operations must be an array/],
    ['a snapshot', { ...good, snapshot: 1 }, /snapshot must be true or false/],
    [
      'another page size',
      { ...good, pageSize: 8 },
      /router\.apply: a message must have pageSize 4 .* got '8 and ''/,
    ],
    ['another namespace', { ...good, namespace: 'other' }, /must have pageSize 4 and namespace ''/],
  ];
  it.for(bad)('refuses %s, and changes nothing', ([, message, error]) => {
    const { router } = open();
    router.apply(good);
    const before = router.workers();
    expect(() => router.apply(message as KvEventMessage)).toThrow(error);
    expect(router.workers()).toEqual(before);
  });

  it('bounds what a worker may take of its memory', { tags: ['full'] }, () => {
    const { router } = open();
    const half = Array.from({ length: 1 << 19 }, (_, i) => i.toString(16).padStart(32, '0'));
    const rest = half.map((name) => `f${name.slice(1)}`);
    router.apply(snapshot('a', half));
    const { snapshot: _, ...next } = snapshot('a', rest, { seq: 1 });
    expect(router.apply(next)).toBe('ok');
    expect(router.workers()[0]!.entries).toBe(1 << 20);
    const one = { ...next, seq: 2, operations: [{ stored: ['a'.repeat(32)] }] };
    expect(() => router.apply(one)).toThrow(/a worker has at most 1048576 entries/);
    expect(router.apply({ ...one, operations: [{ removed: [half[0]!] }, ...one.operations] })).toBe(
      'ok',
    );
    const many = {
      ...good,
      operations: [{ stored: Array.from({ length: (1 << 20) + 1 }, () => half[0]!) }],
    };
    expect(() => parseMessage(many)).toThrow(/at most 1048576 names/);
  });
});

describe('refuses', () => {
  const router = createRouter({ pageSize: 4 });
  const calls: readonly (readonly [string, () => unknown, RegExp])[] = [
    [
      'no page size',
      () => createRouter({} as never),
      /pageSize must be a whole number from 1 on; got undefined/,
    ],
    [
      'an unknown option',
      () => createRouter({ pageSize: 1, salt: 'x' } as never),
      /there is no salt in options/,
    ],
    [
      'a policy by name',
      () => createRouter({ pageSize: 1, policy: 'leastTtft' as never }),
      /policy must be a Policy/,
    ],
    ['a time', () => createRouter({ pageSize: 1, speculativeMs: NaN }), /speculativeMs must be/],
    ['a clock', () => createRouter({ pageSize: 1, now: 5 as never }), /now must be a function/],
    [
      'a load',
      () => router.load('a', { ...idle, queuedTokens: NaN }),
      /queuedTokens must be a number/,
    ],
    [
      'an unknown load',
      () => router.load('a', { ...idle, gpu: 1 } as never),
      /there is no gpu in a load/,
    ],
    ['an address', () => router.load('a', idle, { url: 5 as never }), /url must be a string/],
    ['a worker without a name', () => router.load('', idle), /worker must be a string of 1 to 256/],
    ['no length', () => router.route([], {} as never), /length must be a whole number from 1 on/],
    ['names', () => router.route('abc' as never, { length: 1 }), /names must be an array/],
    [
      'exclude',
      () => router.route([], { length: 1, exclude: 'a' as never }),
      /exclude must be an array/,
    ],
    ['a score', () => custom(5 as never), /score must be a function; got 5/],
  ];
  it.for(calls)('%s', ([, call, message]) => {
    let error: unknown;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    expect(HeedError.is(error) && error.code).toBe('validation');
    expect(String(error)).toMatch(message);
    expect(router.workers()).toEqual([]);
  });

  it('a name that is too short to be one', () => {
    router.load('z', idle);
    expect(() => router.route(['abc'], { length: 9 })).toThrow(
      /a name must have 32 digits or more; got 'abc'/,
    );
  });
});

it('an index of more workers than a number has bits finds each of them, and frees the places of those that go', () => {
  const { router } = open({ speculativeMs: 0, policy: custom(({ cachedTokens }) => cachedTokens) });
  const chain = names(400);
  for (let round = 0; round < 2; round++) {
    for (let i = 1; i <= 70; i++) router.apply(snapshot(`w${i}`, chain.slice(0, i)));
    for (const last of [70, 69, 41, 31, 30, 29, 1]) {
      const exclude = router
        .workers()
        .flatMap(({ worker, entries }) => (entries > last ? worker : []));
      const pick = router.route(chain, { length: 401, exclude });
      expect([pick?.worker, pick?.cachedTokens]).toEqual([`w${last}`, 4 * last]);
    }
    for (let i = 1; i <= 70; i++) router.drop(`w${i}`);
    expect(router.route(chain, { length: 401 })).toBeUndefined();
  }
});
