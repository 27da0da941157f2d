import { UnsupportedError } from '@heed/core';
import { describe, expect, it, vi } from 'vitest';
import { type KvStore, memoryStore, tee } from '../../../src/index.ts';
import { describeStore, keysOf } from '@heed/testing/store-contract';

describeStore('tee(near, far)', () => tee(memoryStore(), memoryStore()));

const one = Uint8Array.of(1);
const fault = new Error('the disk is gone');
const broken: KvStore = {
  get: () => Promise.reject(fault),
  put: () => Promise.reject(fault),
  delete: () => Promise.reject(fault),
  // oxlint-disable-next-line require-yield
  async *keys() {
    throw fault;
  },
};

describe('tee', () => {
  it('copies what only the far store has, and asks it once', async () => {
    const [near, far] = [memoryStore(), memoryStore()];
    await far.put('a', one);
    await far.put('b', one);
    const get = vi.spyOn(far, 'get');
    const both = tee(near, far);
    for (let i = 0; i < 2; i++) expect(await both.get('a')).toEqual(one);
    for (let i = 0; i < 2; i++) {
      expect(await both.getMany!(['a', 'b', 'c'])).toEqual([one, one, undefined]);
    }
    expect(get.mock.calls.flat()).toEqual(['a', 'b', 'c', 'c']);
    expect(await keysOf(near)).toEqual(['a', 'b']);
  });

  it('gives what it copies as a copy', async () => {
    const [near, far] = [memoryStore(), memoryStore()];
    await far.put('a', one);
    (await tee(near, far).get('a'))!.fill(9);
    expect(await near.get('a')).toEqual(one);
  });

  it('does not wait for the near store', async () => {
    const near: KvStore = { ...memoryStore(), put: () => new Promise(() => {}) };
    const far = memoryStore();
    await far.put('a', one);
    expect(await tee(near, far).get('a')).toEqual(one);
  });

  it('reads through a near store that fails; writes say so', async () => {
    const far = memoryStore();
    await far.put('a', one);
    const both = tee(broken, far);
    expect(await both.get('a')).toEqual(one);
    expect(await both.getMany!(['a', 'b'])).toEqual([one, undefined]);
    await expect(both.put('b', one)).rejects.toBe(fault);
  });

  it('answers from the near store while the far one is away, and rejects without either', async () => {
    const near = memoryStore();
    await near.put('a', one);
    const both = tee(near, broken);
    expect(await both.get('a')).toEqual(one);
    await expect(both.get('b')).rejects.toBe(fault);
    expect(await both.getMany!(['a', 'b'])).toEqual([one, undefined]);
    await expect(tee(broken, broken).getMany!(['a'])).rejects.toBe(fault);
  });

  it('uses getMany and putMany of its stores', async () => {
    const inner = memoryStore();
    const far: KvStore = {
      ...inner,
      get: () => Promise.reject(fault),
      put: () => Promise.reject(fault),
      getMany: (keys) => Promise.all(keys.map((key) => inner.get(key))),
      putMany: async ([first, ...rest]) => {
        await inner.put(...first!);
        return { kept: 1, refused: rest.length };
      },
    };
    const both = tee(memoryStore(), far);
    const entries = ['a', 'b'].map((key) => [key, one] as const);
    expect(await both.putMany!(entries)).toEqual({ kept: 1, refused: 1 });
    expect(await both.getMany!(['b', 'a', 'c'])).toEqual([one, one, undefined]);
  });

  it('puts into the near store only where the far one is read-only', async () => {
    const readOnly = (): Promise<never> => Promise.reject(new UnsupportedError('read-only'));
    const far = { ...memoryStore(), put: readOnly, delete: readOnly };
    const near = memoryStore();
    const both = tee(near, far);
    await both.put('a', one);
    expect(await both.putMany!([['b', one]])).toEqual({ kept: 1, refused: 0 });
    expect(await keysOf(near)).toEqual(['a', 'b']);
    await both.delete('a');
    expect(await keysOf(near)).toEqual(['b']);
  });

  it('refuses what is no store', () => {
    const make = tee as (...args: unknown[]) => unknown;
    expect(() => make(memoryStore())).toThrow(/^tee: store must be a KvStore; got undefined/);
  });
});
