import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** A `KvStore` of `@heed/kvcache`, which this package does not import. */
export interface TestedStore {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  keys(): AsyncIterable<string>;
  getMany?(
    keys: readonly string[],
    options?: { readonly signal?: AbortSignal | undefined; readonly bytesPerValue?: number },
  ): Promise<readonly (Uint8Array | undefined)[]>;
  putMany?(
    entries: readonly (readonly [key: string, bytes: Uint8Array])[],
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly kept: number; readonly refused: number }>;
}

const bytesOf = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

/** All keys, sorted. */
export async function keysOf(store: TestedStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.keys()) keys.push(key);
  return keys.toSorted();
}

/** Keys that a store could mistake for something else. */
export const uglyKeys: readonly string[] = [
  '',
  '.',
  '..',
  '../up',
  'a/b',
  'a\\b',
  'A',
  'a',
  'CON',
  'nul',
  'key-a.bin',
  '=0041',
  '%41',
  'trailing.',
  'trailing ',
  '\n',
  '\0',
  '*?"<>|:',
  'é',
  'e\u0301', // the same letter to a file system that normalises
  '鍵',
  '🔑',
  '\ud83d', // half of it
  '__proto__',
  'a'.repeat(230),
];

const anyKey = fc.oneof(
  fc.constantFrom(...uglyKeys),
  fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)), maxLength: 46 }),
);

type Step =
  | { readonly do: 'put'; readonly key: string; readonly bytes: Uint8Array }
  | { readonly do: 'get' | 'delete'; readonly key: string };

const anyStep = (keys: readonly string[]): fc.Arbitrary<Step> =>
  fc.oneof(
    fc.record({
      do: fc.constant('put' as const),
      key: fc.constantFrom(...keys),
      bytes: fc.uint8Array({ maxLength: 64 }),
    }),
    fc.record({
      do: fc.constantFrom('get' as const, 'delete' as const),
      key: fc.constantFrom(...keys),
    }),
  );

/** A few keys, and steps on them. */
const anyProgram = fc
  .uniqueArray(anyKey, { minLength: 1, maxLength: 4 })
  .chain((keys) => fc.array(anyStep(keys), { maxLength: 12 }));

/**
 * Tests what a read-only store keeps of the contract. `open` returns a store of these entries; `keys` are keys that it can hold.
 */
export function describeReader(
  name: string,
  open: (entries: ReadonlyMap<string, Uint8Array>) => Promise<TestedStore>,
  keys: readonly string[] = uglyKeys,
): void {
  describe(`${name} reads like a KvStore`, () => {
    it('what is there, and of a view its own bytes only', async () => {
      const buffer = Uint8Array.from({ length: 1 << 17 }, (_, i) => (i * 31) >> 3);
      const entries = { all: buffer, view: buffer.subarray(1000, 3000), none: bytesOf() };
      const store = await open(new Map(Object.entries(entries)));
      expect(await store.get('all')).toEqual(buffer);
      expect(await store.get('view')).toEqual(buffer.slice(1000, 3000));
      expect(await store.get('none')).toEqual(bytesOf());
      expect(await store.get('missing')).toBeUndefined();
      expect(await keysOf(store)).toEqual(['all', 'none', 'view']);
    });

    it('into copies', async () => {
      const store = await open(new Map([['a', bytesOf(1, 2, 3)]]));
      const got = (await store.get('a'))!;
      expect(got.constructor).toBe(Uint8Array);
      got.fill(9);
      structuredClone(got, { transfer: [got.buffer] });
      expect(await store.get('a')).toEqual(bytesOf(1, 2, 3));
    });

    it('under any string', async () => {
      const store = await open(new Map(keys.map((key, i) => [key, bytesOf(i)])));
      expect(await keysOf(store)).toEqual(keys.toSorted());
      for (const [i, key] of keys.entries()) {
        expect(await store.get(key), JSON.stringify(key)).toEqual(bytesOf(i));
      }
    });

    it('many keys at once, in their order, if it has getMany', async () => {
      const names = Array.from({ length: 40 }, (_, i) => `k${i}`);
      const there = names.filter((_, i) => i % 3 !== 1);
      const store = await open(new Map(there.map((key) => [key, bytesOf(names.indexOf(key))])));
      if (!store.getMany) return;
      const wanted = [...names.toReversed(), 'k0'];
      const want = wanted.map((key) =>
        there.includes(key) ? bytesOf(names.indexOf(key)) : undefined,
      );
      expect(await store.getMany(wanted, { bytesPerValue: 1 })).toEqual(want);
      expect(await store.getMany([])).toEqual([]);
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);
      await expect(store.getMany(wanted, { signal })).rejects.toBe(reason);
    });
  });
}

/** Tests the contract of KvStore. `open` returns a new, empty store. */
export function describeStore(name: string, open: () => TestedStore | Promise<TestedStore>): void {
  describeReader(name, async (entries) => {
    const store = await open();
    for (const [key, bytes] of entries) await store.put(key, bytes);
    return store;
  });

  describe(`${name} is a KvStore`, () => {
    it('is empty at first', async () => {
      const store = await open();
      expect(await store.get('a')).toBeUndefined();
      expect(await keysOf(store)).toEqual([]);
      await store.delete('a');
    });

    it('gives back what was put last', async () => {
      const store = await open();
      await store.put('a', bytesOf(1, 2, 3));
      await store.put('b', bytesOf(4));
      await store.put('a', bytesOf(5, 6));
      expect(await store.get('a')).toEqual(bytesOf(5, 6));
      expect(await store.get('b')).toEqual(bytesOf(4));
      expect(await keysOf(store)).toEqual(['a', 'b']);
    });

    it('deletes, also what is not there', async () => {
      const store = await open();
      await store.put('a', bytesOf(1));
      await store.put('b', bytesOf(2));
      await store.delete('a');
      await store.delete('a');
      await store.delete('never put');
      expect(await store.get('a')).toBeUndefined();
      expect(await keysOf(store)).toEqual(['b']);
    });

    it('takes copies', async () => {
      const store = await open();
      const given = bytesOf(1, 2, 3);
      await store.put('a', given);
      given.fill(0);
      expect(await store.get('a')).toEqual(bytesOf(1, 2, 3));
    });

    it('puts many entries, if it has putMany', async () => {
      const store = await open();
      if (!store.putMany) return;
      const entries = Array.from({ length: 9 }, (_, i) => [`k${i}`, bytesOf(i)] as const);
      expect(await store.putMany(entries)).toEqual({ kept: 9, refused: 0 });
      for (const [key, bytes] of entries) expect(await store.get(key)).toEqual(bytes);
      const reason = new Error('enough');
      const signal = AbortSignal.abort(reason);
      await expect(store.putMany(entries, { signal })).rejects.toBe(reason);
    });

    it('takes any string for a key, and deletes it', async () => {
      const store = await open();
      await Promise.all(uglyKeys.map((key, i) => store.put(key, bytesOf(i))));
      expect(await keysOf(store)).toEqual(uglyKeys.toSorted());
      for (const key of uglyKeys) await store.delete(key);
      expect(await keysOf(store)).toEqual([]);
    });

    it('refuses a key that no file name could hold, and says how long it may be', async () => {
      const store = await open();
      const long = 'a'.repeat(231);
      const refusal =
        /the key must not be longer than 230 characters.* got 231: "aaa.*choose a shorter one/;
      await expect(store.put(long, bytesOf(1))).rejects.toThrow(refusal);
      await expect(store.get('A'.repeat(47))).rejects.toThrow(/got 235/);
      await expect(store.delete(long)).rejects.toThrow(refusal);
      expect(await keysOf(store)).toEqual([]);
    });

    it('takes puts that overlap, to many keys', async () => {
      const store = await open();
      const keys = Array.from({ length: 40 }, (_, i) => `k${i}`);
      await Promise.all(keys.map((key, i) => store.put(key, new Uint8Array(1000 + i).fill(i))));
      expect(await keysOf(store)).toEqual(keys.toSorted());
      for (const [i, key] of keys.entries()) {
        expect(await store.get(key)).toEqual(new Uint8Array(1000 + i).fill(i));
      }
    });

    it('takes puts that overlap, to one key: each is whole, and readers see a whole one', async () => {
      const store = await open();
      const values = Array.from({ length: 12 }, (_, i) => new Uint8Array(20_000 + i).fill(i));
      await store.put('a', values[0]!);
      const puts = Promise.all(values.map((value) => store.put('a', value)));
      for (let i = 0; i < 10; i++) expect(values).toContainEqual(await store.get('a'));
      await puts;
      expect(values).toContainEqual(await store.get('a'));
      expect(await keysOf(store)).toEqual(['a']);
    });

    it('takes a delete during a put', async () => {
      const store = await open();
      for (let i = 0; i < 8; i++) {
        const value = new Uint8Array(100_000).fill(i);
        await Promise.all([store.put('a', value), store.delete('a')]);
        expect([undefined, value]).toContainEqual(await store.get('a'));
      }
      await store.delete('a');
      expect(await keysOf(store)).toEqual([]);
    });

    it('lists what stays while other entries come and go', async () => {
      const store = await open();
      const stays = Array.from({ length: 8 }, (_, i) => `stays${i}`);
      const goes = Array.from({ length: 8 }, (_, i) => `goes${i}`);
      await Promise.all(stays.map((key) => store.put(key, bytesOf(1, 2))));
      const listing = { done: false };
      const churn = async (key: string): Promise<void> => {
        while (!listing.done) {
          await store.put(key, new Uint8Array(5000));
          await store.delete(key);
        }
      };
      const done = Promise.all(goes.map(churn));
      for (let i = 0; i < 10; i++) {
        const keys = await keysOf(store);
        expect(keys.filter((key) => !goes.includes(key))).toEqual(stays);
      }
      listing.done = true;
      await done;
      expect(await keysOf(store)).toEqual(stays);
    });

    it('lists keys while they are deleted', async () => {
      const store = await open();
      for (let i = 0; i < 9; i++) await store.put(`k${i}`, bytesOf(i));
      const seen: string[] = [];
      for await (const key of store.keys()) {
        seen.push(key);
        await store.delete(key);
      }
      expect(seen.toSorted()).toEqual(Array.from({ length: 9 }, (_, i) => `k${i}`));
      expect(await keysOf(store)).toEqual([]);
    });

    it('does what a map does', async () => {
      await fc.assert(
        fc.asyncProperty(anyProgram, async (steps) => {
          const store = await open();
          const model = new Map<string, Uint8Array>();
          for (const step of steps) {
            if (step.do === 'put') {
              await store.put(step.key, step.bytes);
              model.set(step.key, step.bytes);
            } else if (step.do === 'delete') {
              await store.delete(step.key);
              model.delete(step.key);
            }
            expect(await store.get(step.key)).toEqual(model.get(step.key));
          }
          expect(await keysOf(store)).toEqual([...model.keys()].toSorted());
        }),
        { numRuns: 30 },
      );
    });
  });
}
