/** The public declarations of `@heed/kvcache/node`, by tools/api.mjs. */
// #region Interfaces
export interface FsStoreOptions {
  readonly maxBytes?: number;
}
export interface KvStore {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  keys(): AsyncIterable<string>;
}
// #endregion

// #region Functions
export declare function fsStore(folder: string, options?: FsStoreOptions): KvStore;
// #endregion
