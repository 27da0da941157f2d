import { fileName, keyOfFile } from './store-key.ts';

/**
 * Where saved pages live: bytes by name. Any storage that can keep bytes will do. What a store must hold:
 *
 * - `get` gives the bytes of the last `put` that resolved, as a copy that the caller may keep and change, or undefined;
 * - `put` replaces, and all or nothing: whoever reads meanwhile, or after a crash, finds the old bytes or the new ones. The
 *   caller leaves `bytes` as they are until it resolves. Puts may overlap, also to one key: one of them is last;
 * - `delete` of a key that is not there does nothing;
 * - `keys` lists each complete entry once, in any order; keys may be put and deleted meanwhile.
 *
 * A call that fails rejects; `save` and `load` pass that on. Heed's own stores take any string as a key, up to 230 characters as they write it: `a–z 0–9 . _ -` count one, all others five.
 */
export interface KvStore {
  /** The bytes of a key, or undefined. */
  get(key: string): Promise<Uint8Array | undefined>;
  /** Keeps bytes under a key, in place of what was there. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Forgets a key. */
  delete(key: string): Promise<void>;
  /** All keys. */
  keys(): AsyncIterable<string>;
}

const stores = new WeakSet<KvStore>();

/** Whether a store serves this process only, and so, most likely, one model. */
export const isMemoryStore = (store: KvStore): boolean => stores.has(store);

/**
 * A store in memory: outlives a cache and a lost device, not the page or the process.
 *
 * Its functions throw ValidationError for a key that the stores on disk could not take.
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
      // Not bytes.slice(): that of Node's Buffer shares memory.
      entries.set(fileName('memoryStore().put', key), new Uint8Array(bytes));
    },
    delete: async (key) => {
      entries.delete(fileName('memoryStore().delete', key));
    },
    async *keys() {
      const files = [...entries.keys()]; // the caller may put and delete while going through them
      for (const file of files) yield keyOfFile(file)!;
    },
  };
  stores.add(store);
  return store;
}
