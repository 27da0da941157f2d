/** The public declarations of `@heed/kvcache`, by tools/api.mjs. */
// #region Interfaces
export interface AppendOptions {
  readonly cuSeqlens?: Int32Array | BigInt64Array;
  readonly rotary?: AppendRotary;
}
export interface AppendRotary extends RotaryTables {
  readonly positions?: Int32Array | BigInt64Array;
}
export interface CacheGroup extends LayerOptions {
  readonly layers: readonly number[];
}
export interface CacheOptions extends MemoryOptions, LayerOptions {
  readonly layers: number;
}
export interface EvictionCandidate {
  readonly bytes: number;
  readonly group: number | "all";
  readonly salt: string;
  readonly priority: number;
  readonly lastUsed: number;
  readonly depth: number;
}
export interface EvictionPolicy {
  readonly name: string;
  readonly bytesPerSalt?: number;
  compare(a: EvictionCandidate, b: EvictionCandidate): number;
}
export interface GetManyOptions {
  readonly signal?: AbortSignal | undefined;
  readonly bytesPerValue?: number;
}
export interface GroupedCacheOptions extends MemoryOptions {
  readonly groups: readonly CacheGroup[];
  readonly reads?: Readonly<Record<number, number>>;
}
export interface GroupStats {
  readonly layers: readonly number[];
  readonly used: number;
  readonly cached: number;
  readonly free: number;
  readonly bytes: number;
  readonly padding: number;
}
export interface KeepOptions {
  readonly from?: number;
}
export interface KvEvents {
  readonly stored: StoredEvent;
  readonly removed: RemovedEvent;
  readonly cleared: undefined;
}
export interface KvSequence extends Disposable {
  readonly id: number;
  readonly length: number;
  readonly nextPosition: number;
  readonly cachedTokens: number;
  readonly pages: readonly number[];
  commit(tokens: TokenIds): void;
  fork(): KvSequence;
  truncate(length: number): void;
  keep(rows: ArrayLike<number> | BigInt64Array, options?: KeepOptions): void;
  close(): void;
}
export interface KvStats {
  readonly pages: number;
  readonly used: number;
  readonly cached: number;
  readonly free: number;
  readonly bytes: number;
  readonly groups: readonly GroupStats[];
  readonly salts?: readonly SaltStats[];
  readonly sequences: number;
  readonly lookups: number;
  readonly lookupTokens: number;
  readonly hitTokens: number;
  readonly hitRate: number;
  readonly evictions: number;
  readonly copies: number;
  readonly keepCopies: number;
  readonly loadedTokens: number;
  readonly savedTokens: number;
}
export interface KvStore {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  keys(): AsyncIterable<string>;
  getMany?(keys: readonly string[], options?: GetManyOptions): Promise<readonly (Uint8Array | undefined)[]>;
  putMany?(entries: readonly StoreEntry[], options?: PutManyOptions): Promise<PutManyReport>;
}
export interface KvView extends PagedKvView {
  readonly cuSeqlensQ: Tensor;
}
export interface LayerOptions {
  readonly kvHeads: number;
  readonly headDim: number;
  readonly headDimV?: number;
  readonly sharedKv?: boolean;
  readonly dtype?: PageFormat$1;
  readonly dtypeV?: PageFormat$1;
  readonly window?: number;
  readonly sinkTokens?: number;
}
export interface LoadOptions extends StoreOptions {
  readonly tokens?: TokenIds;
  readonly salt?: string;
  readonly maxBytes?: number;
}
export interface LoadReport {
  readonly loaded: number;
  readonly known: number;
  readonly left: number;
  readonly refused: readonly RefusedPage[];
  readonly hold?: Disposable;
}
export interface MemoryOptions {
  readonly pageSize?: number;
  readonly pages?: number;
  readonly maxBytes?: number;
  readonly eviction?: EvictionPolicy;
  readonly poison?: boolean;
}
export interface OpenOptions {
  readonly tokens?: TokenIds;
  readonly salt?: string;
  readonly priority?: number;
}
export interface PrefixNamesOptions {
  readonly pageSize: number;
  readonly salt?: string;
  readonly hash?: Sha256;
}
export interface PutManyOptions {
  readonly signal?: AbortSignal | undefined;
}
export interface PutManyReport {
  readonly kept: number;
  readonly refused: number;
}
export interface RefusedPage {
  readonly key: string;
  readonly refused: PageRefusal;
  readonly reason: string;
}
export interface RemovedEvent {
  readonly name: PageName;
  readonly page: number;
}
export interface Rotary extends RotaryTables {
  readonly positions: Int32Array | BigInt64Array | Tensor;
}
export interface RotaryTables {
  readonly cos: Tensor;
  readonly sin: Tensor;
  readonly interleaved?: boolean;
}
export interface SaltStats {
  readonly salt: string;
  readonly used: number;
  readonly cached: number;
}
export interface SaveOptions extends StoreOptions {
  readonly sequences?: readonly KvSequence[];
  readonly names?: readonly PageName[];
}
export interface SaveReport {
  readonly saved: number;
  readonly known: number;
  readonly lost: number;
  readonly refused: number;
  readonly bytes: number;
}
export interface StatsOptions {
  readonly salts?: boolean;
}
export interface StoredEvent {
  readonly name: PageName;
  readonly parent: PageName;
  readonly tokens: Uint32Array;
  readonly depth: number;
  readonly page: number;
}
export interface StoreOptions {
  readonly namespace?: string;
  readonly key?: CryptoKey;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: {
    readonly done: number;
    readonly total: number;
  }) => void;
}
// #endregion

// #region Types
export type PageName = string;
export type PageRefusal = "not a record" | "version" | "truncated" | "too long" | "checksum" | "geometry" | "namespace" | "name" | "depth" | "payload" | "missing" | "orphan";
export type Sha256 = (bytes: Uint8Array) => Uint8Array;
export type StoreEntry = readonly [key: string, bytes: Uint8Array];
export type TokenIds = ArrayLike<number> | BigInt64Array | BigUint64Array;
// #endregion

// #region Classes
export declare class PagedKvCache implements Disposable {
  #private;
  private constructor();
  static create(gpu: Gpu, options: CacheOptions | GroupedCacheOptions): Promise<PagedKvCache>;
  open(options?: OpenOptions): KvSequence;
  append(layer: number, seqs: readonly KvSequence[], k: Tensor, v?: Tensor, options?: AppendOptions): void;
  canAppend(seqs: readonly KvSequence[], counts: ArrayLike<number> | BigInt64Array): boolean;
  canEverFit(tokens: number): boolean;
  warmup(options?: WarmupOptions$1): Promise<void>;
  view(layer: number, seqs: readonly KvSequence[]): KvView;
  stats(options?: StatsOptions): KvStats;
  on<E extends keyof KvEvents>(event: E, listener: (event: KvEvents[E]) => void): () => void;
  prefixes(): StoredEvent[];
  clear(): void;
  save(store: KvStore, options?: SaveOptions): Promise<SaveReport>;
  load(store: KvStore, options?: LoadOptions): Promise<LoadReport>;
  dispose(): void;
  [Symbol.dispose](): void;
}
// #endregion

// #region Functions
export declare function fairShare(bytesPerSalt: number): EvictionPolicy;
export declare function memoryStore(): KvStore;
export declare function prefixNames(tokens: TokenIds, options: PrefixNamesOptions): PageName[];
export declare function rotate(gpu: Gpu, q: Tensor, rotary: Rotary, out?: Tensor): Tensor;
export declare function tee(near: KvStore, far: KvStore): KvStore;
// #endregion

// #region Variables
export declare const lru: EvictionPolicy;
export declare const priority: EvictionPolicy;
// #endregion

// #region Other
export { PageFormat }
export { WarmupOptions }
// #endregion
