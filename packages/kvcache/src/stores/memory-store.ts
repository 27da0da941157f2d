import { fileName, keyOfFile } from './file-name.ts';
import type { KvStore } from './store.ts';

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
