import { fileName, keyOfFile } from './store-key.ts';

/**
 * Storage for pages: bytes by key. Any storage of bytes can be a store if it keeps these rules:
 *
 * - `get` resolves to the bytes of the last `put` that resolved, as a copy that the caller may keep and change, or to undefined;
 * - `put` replaces atomically: a reader during it, or after a crash, finds the old bytes or the new ones. The caller does not
 *   change `bytes` until it resolves. Puts may overlap, also to one key: one of them is last;
 * - `delete` of a missing key does nothing;
 * - `keys` lists each complete entry once, in any order, also while keys are put and deleted.
 *
 * A store over a network may add `getMany` and `putMany`, which `load` and `save` then call in place of many gets and puts:
 *
 * - `getMany` resolves to a value per key, in the order of the keys: undefined for what is not there or did not come in time. It
 *   rejects only if nothing was reachable, or on abort, with the signal's reason. `bytesPerValue` says how large the values will be;
 * - `putMany` resolves to the numbers of entries that the store keeps and that it refuses, for example because it is full. It
 *   rejects under the same two conditions.
 *
 * A call that fails rejects, and `save` and `load` reject with its error. heed's own stores take any string as a key, up to 230
 * characters, where any but `a–z 0–9 . _ -` counts five.
 */
export interface KvStore {
  /** Resolves to the bytes of a key, or to undefined. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Stores bytes under a key, in place of earlier ones. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Deletes a key and its bytes. */
  delete(key: string): Promise<void>;
  /** Lists all keys. */
  keys(): AsyncIterable<string>;
  /** Resolves to the bytes of each key, or to undefined. */
  getMany?(
    keys: readonly string[],
    options?: GetManyOptions,
  ): Promise<readonly (Uint8Array | undefined)[]>;
  /** Stores bytes under each key, in place of earlier ones. */
  putMany?(entries: readonly StoreEntry[], options?: PutManyOptions): Promise<PutManyReport>;
}

/** Options of a store's `getMany`. */
export interface GetManyOptions {
  /** On abort, the call rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes of the largest value that is expected: a store with a deadline may allow time for them. */
  readonly bytesPerValue?: number;
}

/** Options of a store's `putMany`. */
export interface PutManyOptions {
  /** On abort, the call rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

/** A key and its bytes. */
export type StoreEntry = readonly [key: string, bytes: Uint8Array];

/** How many entries of a `putMany` a store keeps. */
export interface PutManyReport {
  readonly kept: number;
  readonly refused: number;
}

const stores = new WeakSet<KvStore>();

/** Returns whether a store belongs to this process only, and so, most likely, to one model. */
export const isMemoryStore = (store: KvStore): boolean => stores.has(store);

/**
 * Returns a store in memory. It outlives a cache and a lost device, but not the page or process.
 *
 * Its functions throw ValidationError for a key that is too long for the stores on disk.
 *
 * @example
 * const store = memoryStore();
 * await store.put('greeting', new Uint8Array([104, 105]));
 * console.log((await store.get('greeting'))?.length); // 2
 */
export function memoryStore(): KvStore {
  const entries = new Map<string, Uint8Array>();
  const store: KvStore = {
    get: async (key) => entries.get(fileName('memoryStore().get', key))?.slice(),
    put: async (key, bytes) => {
      // Not bytes.slice(): a Node Buffer's slice shares memory.
      entries.set(fileName('memoryStore().put', key), new Uint8Array(bytes));
    },
    delete: async (key) => {
      entries.delete(fileName('memoryStore().delete', key));
    },
    async *keys() {
      const files = [...entries.keys()]; // a copy: the caller may put and delete during the iteration
      for (const file of files) yield keyOfFile(file)!;
    },
  };
  stores.add(store);
  return store;
}
