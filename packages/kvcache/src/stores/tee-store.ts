import { HeedError } from '@heed/core';
import type { KvStore, PutManyReport, StoreEntry } from './kv-store.ts';
import { checkParts } from './store-ask.ts';

type Values = readonly (Uint8Array | undefined)[];

/**
 * Returns a store in front of another one, such as a browser's own files before a web server's. A `get` looks into `near`, then into
 * `far`, and what only `far` has is then put into `near`; the caller does not wait for that. A failure of `near` costs time, and
 * nothing else. `put` and `delete` go to both stores; a far store that is read-only, whose calls are an UnsupportedError, stays as
 * it is. `keys` lists the keys of both.
 *
 * @throws ValidationError one of them is not a KvStore
 *
 * @example
 * const both = tee(memoryStore(), shared);
 */
export function tee(near: KvStore, far: KvStore): KvStore {
  checkParts('tee', near);
  checkParts('tee', far);
  /** Puts entries into `near` without waiting. It may be full or out of order: it is asked again next time. */
  const copyNear = (entries: readonly StoreEntry[]): void => {
    for (const [key, bytes] of entries) near.put(key, new Uint8Array(bytes)).catch(() => {});
  };
  return {
    async get(key) {
      const here = await near.get(key).catch(() => undefined);
      if (here) return here;
      const there = await far.get(key);
      if (there) copyNear([[key, there]]);
      return there;
    },
    async put(key, bytes) {
      await Promise.all([near.put(key, bytes), unlessReadOnly(far.put(key, bytes))]);
    },
    async delete(key) {
      await Promise.all([near.delete(key), unlessReadOnly(far.delete(key))]);
    },
    async *keys() {
      const listed = new Set<string>();
      for (const store of [near, far]) {
        for await (const key of store.keys()) {
          if (listed.has(key)) continue;
          listed.add(key);
          yield key;
        }
      }
    },
    async getMany(keys, options) {
      const here: Values | undefined = await getMany(near, keys, options).catch(() => undefined);
      options?.signal?.throwIfAborted();
      const missing = here ? keys.filter((_, i) => !here[i]) : keys;
      if (missing.length === 0) return here!;
      const there = await getMany(far, missing, options).catch((error: unknown) => {
        options?.signal?.throwIfAborted();
        if (here) return []; // one of the two was reachable
        throw error;
      });
      const found = new Map<string, Uint8Array>();
      missing.forEach((key, i) => there[i] && found.set(key, there[i]));
      copyNear([...found]);
      return keys.map((key, i) => here?.[i] ?? found.get(key));
    },
    async putMany(entries, options) {
      const [ofNear, ofFar] = await Promise.all([
        putMany(near, entries, options),
        unlessReadOnly(putMany(far, entries, options)),
      ]);
      return ofFar ?? ofNear;
    },
  };
}

/** Calls `getMany` of a store, or `get` per key. */
async function getMany(
  store: KvStore,
  keys: readonly string[],
  options: Parameters<NonNullable<KvStore['getMany']>>[1],
): Promise<Values> {
  if (store.getMany) return store.getMany(keys, options);
  return Promise.all(keys.map((key) => store.get(key)));
}

/** Calls `putMany` of a store, or `put` per entry. */
async function putMany(
  store: KvStore,
  entries: readonly StoreEntry[],
  options: Parameters<NonNullable<KvStore['putMany']>>[1],
): Promise<PutManyReport> {
  if (store.putMany) return store.putMany(entries, options);
  for (const [key, bytes] of entries) {
    options?.signal?.throwIfAborted();
    await store.put(key, bytes);
  }
  return { kept: entries.length, refused: 0 };
}

/** Resolves to undefined where the store is read-only. */
async function unlessReadOnly<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (HeedError.is(error) && error.code === 'unsupported') return undefined;
    throw error;
  }
}
