/** The public declarations of `@heed/kvcache/http`, by tools/api.mjs. */
// #region Interfaces
export interface HttpStoreOptions {
  readonly fetch?: typeof fetch;
  readonly headers?: HeadersInit;
  readonly manifest?: readonly string[] | string;
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
export declare function httpStore(base: string | URL, options?: HttpStoreOptions): KvStore;
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
