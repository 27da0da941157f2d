import { DeviceLostError, DisposedError, type Gpu, ValidationError } from '@heed/core';
import { createBlockMask, flexAttention } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { varlenAttention } from '@heed/kernels-wgsl';
import { ownGpu, readableOnce, Rng, scribble, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type KvStore, memoryStore, PagedKvCache, type StoredEvent } from '../../../src/index.ts';
import { expectRefusal, sound } from './refusal.ts';
import { bitsOf, cached, Toy, toyShape } from './toy.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

describe('what is no longer valid', () => {
  const setUp = async (own: Gpu) => {
    const cache = await PagedKvCache.create(own, sound);
    const sequence = cache.open();
    const k = own.empty([3, 2, 4]);
    const v = own.empty([3, 2, 6]);
    for (const layer of [0, 1]) cache.append(layer, [sequence], k, v);
    return { cache, sequence, k, v, view: cache.view(0, [sequence]) };
  };
  const twoRows = { cuSeqlens: Int32Array.of(0, 1, 3) };
  const properties = ['k', 'v', 'blockTable', 'seqUsedK', 'cuSeqlensQ'] as const;

  it('a view, once a sequence has changed: each property says so', async () => {
    const { cache, sequence, k, v } = await setUp(gpu);
    const changes: (() => void)[] = [
      () => cache.append(0, [sequence], k, v),
      () => cache.append(1, [sequence], k, v),
      () => sequence.truncate(4),
      () => sequence.close(),
    ];
    for (const [i, change] of changes.entries()) {
      const layer = i === 1 ? 1 : 0;
      const view = cache.view(layer, [sequence]);
      change();
      for (const property of properties) {
        expect(() => view[property]).toThrow(ValidationError);
        expect(() => view[property]).toThrow(
          `view.${property}: a view is valid until its sequences change; got sequence 1, which has changed. Make a new one with cache.view().`,
        );
      }
    }
    cache.dispose();
  });

  it('a view, once another sequence has changed, still holds', async () => {
    const { cache, sequence, k, v, view } = await setUp(gpu);
    const child = sequence.fork();
    sequence.commit([1, 2, 3]);
    for (const layer of [0, 1]) cache.append(layer, [child], k, v);
    child.close();
    for (const property of properties) expect(view[property]).toBeDefined();
    cache.dispose();
  });

  it('nothing of a cache at the end of a scope that appended', async () => {
    const { cache, sequence, k, v } = await setUp(gpu);
    const { tensors } = gpu.memory();
    const view = gpu.scope(() => {
      const other = cache.open();
      for (const layer of [0, 1]) cache.append(layer, [sequence, other], k, v, twoRows);
      return cache.view(0, [sequence, other]);
    });
    expect([...(await view.seqUsedK.read())]).toEqual([4, 2]);
    expect(gpu.memory().tensors).toBe(tensors + 1);
    cache.dispose();
  });

  it('everything of a disposed cache', async () => {
    const { cache, sequence, k, v, view } = await setUp(gpu);
    cache.dispose();
    cache.dispose();
    const calls: Record<string, () => unknown> = {
      'cache.stats': () => cache.stats(),
      'cache.open': () => cache.open(),
      'cache.append': () => cache.append(0, [sequence], k, v),
      'cache.view': () => cache.view(0, [sequence]),
      'cache.clear': () => cache.clear(),
      'cache.save': () => cache.save(memoryStore()),
      'cache.load': () => cache.load(memoryStore()),
      'sequence.commit': () => sequence.commit([]),
      'sequence.fork': () => sequence.fork(),
      'sequence.truncate': () => sequence.truncate(0),
      'view.k': () => view.k,
      'view.seqUsedK': () => view.seqUsedK,
    };
    for (const [fn, call] of Object.entries(calls)) {
      await expectRefusal([call, DisposedError, `${fn}: the cache was disposed. Create another.`]);
    }
    sequence.close();
  });

  it('everything of a device that was lost, but closing and disposing do no harm', async () => {
    const own = await ownGpu();
    const { cache, sequence, k, v, view } = await setUp(own);
    own.device.destroy();
    await own.lost;
    const calls: (() => unknown)[] = [
      () => PagedKvCache.create(own, sound),
      () => cache.open(),
      () => cache.append(0, [sequence], k, v),
      () => cache.view(0, [sequence]),
      () => cache.save(memoryStore()),
      () => cache.load(memoryStore()),
      () => sequence.commit([]),
      () => sequence.fork(),
      () => sequence.truncate(0),
      () => view.k,
    ];
    for (const call of calls) {
      await expect((async () => call())()).rejects.toThrow(DeviceLostError);
    }
    sequence.close();
    expect(cache.stats()).toMatchObject({ sequences: 0, free: 8 });
    cache.dispose();
    own.dispose();
  });

  it('a save and a load during which the device was lost', async () => {
    for (const call of ['save', 'load'] as const) {
      const own = await ownGpu();
      const { cache, sequence } = await setUp(own);
      const store = memoryStore();
      if (call === 'load') {
        sequence.truncate(0);
        using donor = await PagedKvCache.create(gpu, sound);
        const written = donor.open();
        const rows = [gpu.empty([4, 2, 4]), gpu.empty([4, 2, 6])] as const;
        for (const layer of [0, 1]) donor.append(layer, [written], ...rows);
        written.commit([1, 2, 3, 4]);
        await donor.save(store);
      } else {
        const rows = [own.empty([1, 2, 4]), own.empty([1, 2, 6])] as const;
        for (const layer of [0, 1]) cache.append(layer, [sequence], ...rows);
        sequence.commit([1, 2, 3, 4]);
      }
      const lossy: KvStore = {
        ...store,
        async *keys() {
          own.device.destroy();
          await own.lost;
          yield* store.keys();
        },
      };
      await expect(cache[call](lossy, { namespace: '' })).rejects.toThrow(DeviceLostError);
      sequence.close();
      cache.dispose();
      own.dispose();
    }
  });

  it('a cache whose Gpu was disposed', async () => {
    const own = await ownGpu();
    const { cache, sequence } = await setUp(own);
    own.dispose();
    expect(() => cache.open()).toThrow(DisposedError);
    sequence.close();
    cache.dispose();
    own.device.destroy();
  });
});

it('a block mask of a view is refused for the next, whose lengths the host knows too', async () => {
  using cache = await PagedKvCache.create(gpu, { ...cached(toyShape), layers: 1, pages: 8 });
  const sequence = cache.open();
  const toy = new Toy(gpu);
  const tokens = [1, 2, 3, 4, 5, 6];
  const append = (start: number, end: number): void => {
    const rows = (x: 'k' | 'v') => toy.rows(x, 0, [{ tokens, start, end }], 'f32');
    cache.append(0, [sequence], rows('k'), rows('v'));
  };
  append(0, 5);
  const view = cache.view(0, [sequence]);
  const { cuSeqlensQ, seqUsedK, blockTable } = view;
  // Neither Lq nor Lk is given: the contents of the view's lists are known.
  using blockMask = createBlockMask(gpu, causal, { cuSeqlensQ, seqUsedK, blockTable });
  const q = toy.rows('q', 0, [{ tokens, start: 0, end: 5 }], 'f32');
  const call = { cuSeqlensQ, blockMask };
  expect(() => flexAttention(q, view, call)).not.toThrow();
  append(5, 6);
  const next = cache.view(0, [sequence]);
  const stale = (): unknown =>
    flexAttention(q, next, { cuSeqlensQ: Int32Array.of(0, 5), blockMask });
  expect(stale).toThrow(ValidationError);
  expect(stale).toThrow('blockMask was made for seqUsedK[0] = 5; got 6');
  await gpu.settled();
});

/** A call passes `given`, and calls `done` once it has returned. */
type Run = <T>(argument: T) => { readonly given: T; done(): void };

const alone: Run = (argument) => ({ given: argument, done: () => {} });
const others: Readonly<Record<string, Run>> = {
  'are written into after it': (argument) => ({ given: argument, done: () => scribble(argument) }),
  'can be read once': (argument) => ({
    given: readableOnce(argument),
    done: () => scribble(argument),
  }),
};

/** Runs two sequences, one of which finds pages of the other. Returns attention over them, and the names of their pages. */
async function served(run: Run): Promise<{ bits: unknown; names: string[]; cached: number }> {
  const memory = { pages: 12, pageSize: 2, dtype: 'f32', poison: true } as const;
  const options = run({ layers: 1, kvHeads: 2, headDim: 8, window: 64, ...memory });
  using cache = await PagedKvCache.create(gpu, options.given);
  options.done();
  const stored: StoredEvent[] = [];
  cache.on('stored', (event) => stored.push(event));
  const rng = new Rng(3);
  const rows = gpu.tensor(rng.normals(7 * 16), { shape: [7, 2, 8] });
  const angles = gpu.tensor(rng.normals(16 * 4), { shape: [16, 4] });

  const opened = run({ tokens: [1, 2, 3, 4, 5], salt: 'one', priority: 1 });
  const a = cache.open(opened.given);
  opened.done();
  const b = cache.open({ salt: 'one' });
  const sequences = run([a, b]);
  const rotary = { cos: angles, sin: angles, interleaved: true };
  const append = run({ cuSeqlens: Int32Array.of(0, 5, 7), rotary });
  cache.append(0, sequences.given, rows, rows, append.given);
  append.done();
  for (const [sequence, tokens] of [
    [a, [1, 2, 3, 4, 5]],
    [b, [7, 8]],
  ] as const) {
    const list = run([...tokens]);
    sequence.commit(list.given);
    list.done();
  }
  sequences.done();
  const seen = run([a, b]);
  const view = cache.view(0, seen.given);
  seen.done();
  const attention = run({ cuSeqlensQ: Int32Array.of(0, 5, 7), window: [8, 0] as const });
  const { out } = varlenAttention(rows, view, attention.given);
  attention.done();
  const found = cache.open({ tokens: [1, 2, 3, 4, 9], salt: 'one' });
  return {
    bits: await bitsOf(out),
    names: stored.map(({ name, tokens }) => `${name} ${tokens.join()}`),
    cached: found.cachedTokens,
  };
}

it.for(Object.entries(others))(
  'a cache whose arguments %s is as one whose are not',
  async ([, run]) => {
    const wanted = await served(alone);
    expect(wanted.cached).toBe(4);
    expect(wanted.names).toHaveLength(3);
    expect(await served(run)).toEqual(wanted);
  },
);
