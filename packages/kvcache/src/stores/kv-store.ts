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
