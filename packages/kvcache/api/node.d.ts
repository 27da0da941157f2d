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
  getMany?(keys: readonly string[], options?: GetManyOptions): Promise<readonly (Uint8Array | undefined)[]>;
  putMany?(entries: readonly StoreEntry[], options?: PutManyOptions): Promise<PutManyReport>;
}
// #endregion

// #region Functions
export declare function fsStore(folder: string, options?: FsStoreOptions): KvStore;
// #endregion

// #region Referenced (internal)
interface GetManyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly bytesPerValue?: number;
}
interface PutManyOptions {
  readonly signal?: AbortSignal | undefined;
}
interface PutManyReport {
  readonly kept: number;
  readonly refused: number;
}
type StoreEntry = readonly [key: string, bytes: Uint8Array];
// #endregion
