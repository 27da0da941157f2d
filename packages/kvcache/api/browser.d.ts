/** The public declarations of `@heed/kvcache/browser`, by tools/api.mjs. */
// #region Interfaces
export interface KvStore {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  keys(): AsyncIterable<string>;
}
// #endregion

// #region Functions
export declare function opfsStore(name: string): KvStore;
// #endregion
