/** The public declarations of `@heed/kvcache`, by tools/api.mjs. */
// #region Interfaces
export interface AppendOptions {
  readonly cuSeqlens?: Int32Array | BigInt64Array;
  readonly rotary?: RotaryTables;
}
export interface CacheOptions {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly headDimV?: number;
  readonly pageSize?: number;
  readonly pages?: number;
  readonly maxBytes?: number;
  readonly dtype?: PageFormat$1;
  readonly window?: number;
  readonly sinkTokens?: number;
  readonly eviction?: EvictionPolicy;
  readonly poison?: boolean;
}
export interface EvictionCandidate {
  readonly page: number;
  readonly priority: number;
  readonly lastUsed: number;
  readonly depth: number;
}
export interface EvictionPolicy {
  readonly name: string;
  compare(a: EvictionCandidate, b: EvictionCandidate): number;
}
export interface KvEvents {
  readonly stored: StoredEvent;
  readonly removed: RemovedEvent;
  readonly cleared: undefined;
}
export interface KvStats {
  readonly pages: number;
  readonly used: number;
  readonly cached: number;
  readonly free: number;
  readonly bytes: number;
  readonly sequences: number;
  readonly lookups: number;
  readonly lookupTokens: number;
  readonly hitTokens: number;
  readonly hitRate: number;
  readonly evictions: number;
  readonly copies: number;
}
export interface KvStore {
  get(key: string): Promise<Uint8Array | undefined>;
  put(key: string, bytes: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
  keys(): AsyncIterable<string>;
}
export interface LoadReport {
  readonly loaded: number;
  readonly known: number;
  readonly left: number;
  readonly refused: readonly RefusedPage[];
}
export interface OpenOptions {
  readonly tokens?: ArrayLike<number>;
  readonly salt?: string;
  readonly priority?: number;
}
export interface RefusedPage {
  readonly key: string;
  readonly refused: RefusedRecord["refused"] | "missing" | "orphan";
  readonly reason: string;
}
export interface RemovedEvent {
  readonly name: PageName;
  readonly page: number;
}
export interface Rotary extends RotaryTables {
  readonly positions: Int32Array | Tensor;
}
export interface RotaryTables {
  readonly cos: Tensor;
  readonly sin: Tensor;
  readonly interleaved?: boolean;
}
export interface SaveOptions {
  readonly namespace?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: {
    readonly done: number;
    readonly total: number;
  }) => void;
}
export interface SaveReport {
  readonly saved: number;
  readonly known: number;
  readonly lost: number;
  readonly bytes: number;
}
export interface StoredEvent {
  readonly name: PageName;
  readonly parent: PageName;
  readonly tokens: Uint32Array;
  readonly depth: number;
  readonly page: number;
}
// #endregion

// #region Types
export type LoadOptions = SaveOptions;
export type PageName = string;
// #endregion

// #region Classes
export declare class KvSequence implements Disposable {
  readonly id: number;
  constructor(core: CacheCore, state: SequenceState);
  get length(): number;
  get cachedTokens(): number;
  get pages(): readonly number[];
  commit(tokens: ArrayLike<number>): void;
  fork(): KvSequence;
  truncate(length: number): void;
  close(): void;
  [Symbol.dispose](): void;
}
export declare class KvView implements PagedKvView {
  #private;
  readonly maxSeqlenK: number;
  readonly pageSize: number;
  readonly format: PagedKvView["format"];
  readonly headDim: number;
  readonly headDimV: number;
  readonly window?: number;
  readonly sinkTokens?: number;
  constructor(core: CacheCore, layer: number, states: readonly SequenceState[], lists: BatchLists);
  get k(): Tensor;
  get v(): Tensor;
  get blockTable(): Tensor;
  get seqUsedK(): Tensor;
  get cuSeqlensQ(): Tensor;
}
export declare class PagedKvCache implements Disposable {
  #private;
  private constructor();
  static create(gpu: Gpu, options: CacheOptions): Promise<PagedKvCache>;
  open(options?: OpenOptions): KvSequence;
  append(layer: number, seqs: readonly KvSequence[], k: Tensor, v: Tensor, options?: AppendOptions): void;
  canAppend(seqs: readonly KvSequence[], counts: ArrayLike<number>): boolean;
  canEverFit(tokens: number): boolean;
  warmup(options?: WarmupOptions$1): Promise<void>;
  view(layer: number, seqs: readonly KvSequence[]): KvView;
  stats(): KvStats;
  on<E extends keyof KvEvents>(event: E, listener: (event: KvEvents[E]) => void): () => void;
  clear(): void;
  save(store: KvStore, options?: SaveOptions): Promise<SaveReport>;
  load(store: KvStore, options?: LoadOptions): Promise<LoadReport>;
  dispose(): void;
  [Symbol.dispose](): void;
}
// #endregion

// #region Functions
export declare function memoryStore(): KvStore;
export declare function rotate(gpu: Gpu, q: Tensor, rotary: Rotary, out?: Tensor): Tensor;
// #endregion

// #region Variables
export declare const lru: EvictionPolicy;
export declare const priority: EvictionPolicy;
// #endregion

// #region Referenced (internal)
interface BatchLists {
  readonly cuSeqlensQ: Tensor;
  readonly seqUsedK: Tensor;
  readonly blockTable: Tensor;
}
declare class BatchTable {
  #private;
  readonly states: readonly SequenceState[];
  readonly lists: BatchLists;
  readonly rowCapacity: number;
  constructor(gpu: Gpu, states: readonly SequenceState[], rowCapacity: number);
  get isCurrent(): boolean;
  hasLengths(layer: number): boolean;
  sync(layer: number): void;
  dispose(): void;
}
declare class BatchTables {
  #private;
  constructor(gpu: Gpu);
  get(states: readonly SequenceState[], layer: number): BatchTable;
  dispose(): void;
}
declare class BlockTable {
  #private;
  get length(): number;
  get version(): number;
  get entries(): Int32Array;
  at(index: number): number;
  push(page: number): void;
  replace(index: number, page: number): void;
  pop(): number;
  changedSince(version: number): number;
}
declare class CacheCore {
  #private;
  readonly gpu: Gpu;
  readonly geometry: PageGeometry;
  readonly pools: readonly Pool[];
  readonly ledger: Ledger;
  readonly events: KvEmitter;
  readonly tables: BatchTables;
  readonly window: number | undefined;
  readonly sinkTokens: number;
  readonly refused: Set<string>;
  constructor(gpu: Gpu, geometry: PageGeometry, pools: readonly Pool[], ledger: Ledger, events: KvEmitter, options: Pick<CacheOptions, "poison" | "window" | "sinkTokens">);
  get bytes(): number;
  get isDisposed(): boolean;
  get isUsable(): boolean;
  assertUsable(fn: string): void;
  assertAlive(fn: string): void;
  move({ copies, fresh, blanked }: PageMoves): void;
  blank(pages: readonly number[]): void;
  clear(pages: readonly number[]): void;
  dispose(): void;
}
declare class KvEmitter {
  #private;
  on<E extends keyof KvEvents>(event: E, listener: Listener<E>): () => void;
  note<E extends keyof KvEvents>(event: E, make: () => KvEvents[E]): void;
  deliver(): void;
}
declare class Ledger {
  #private;
  readonly pages: PageAllocator;
  tree: PrefixTree;
  readonly open: Set<SequenceState>;
  readonly counters: LedgerCounters;
  constructor(options: LedgerOptions, events: LedgerEvents);
  openSequence(tokens: ArrayLike<number>, salt: string, priority: number): SequenceState;
  append(fn: string, layer: number, states: readonly SequenceState[], rowCounts: Int32Array): {
    readonly moves: PageMoves;
    readonly slots: Int32Array;
  };
  canAppend(states: readonly SequenceState[], rowCounts: readonly number[]): boolean;
  canEverFit(tokens: number): boolean;
  commit(fn: string, state: SequenceState, tokens: ArrayLike<number>): void;
  fork(state: SequenceState): SequenceState;
  truncate(fn: string, state: SequenceState, length: number): number[];
  close(state: SequenceState): number[];
  adopt(node: PrefixNode): number | undefined;
  clear(): number[];
}
interface LedgerCounters {
  lookups: number;
  lookupTokens: number;
  hitTokens: number;
  copies: number;
  evictions: number;
}
interface LedgerEvents {
  stored(node: PrefixNode, page: number): void;
  removed(node: PrefixNode, page: number): void;
}
interface LedgerOptions {
  readonly layers: number;
  readonly pageSize: number;
  readonly pages: number;
  readonly window?: number | undefined;
  readonly sinkTokens?: number | undefined;
  readonly eviction: EvictionPolicy;
}
type Listener<E extends keyof KvEvents> = (event: KvEvents[E]) => void;
declare class PageAllocator {
  #private;
  readonly pages: number;
  constructor(pages: number, policy: EvictionPolicy, sight: Sight | undefined, onForgotten: (node: PrefixNode, page: number) => void);
  get blank(): number;
  get cached(): number;
  get used(): number;
  get available(): number;
  references(page: number): number;
  node(page: number): PrefixNode | undefined;
  take(): number;
  retain(page: number): void;
  release(page: number, now: number): boolean;
  name(page: number, node: PrefixNode): void;
  forget(page: number): void;
  offer(node: PrefixNode): void;
  clear(): number[];
}
interface PageGeometry {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly headDimV: number;
  readonly pageSize: number;
  readonly format: PageFormat$1;
}
interface PageMoves {
  readonly copies: number[];
  readonly fresh: number[];
  readonly blanked: number[];
}
interface Pool {
  readonly k: Tensor;
  readonly v: Tensor;
}
declare class PrefixNode {
  #private;
  readonly parent: PrefixNode | undefined;
  readonly tokens: Uint32Array;
  readonly depth: number;
  readonly key: number;
  sibling: PrefixNode | undefined;
  readonly pages: number[];
  cached: number;
  children: number;
  cachedChildren: number;
  passed: number;
  holders: number;
  priority: number;
  constructor(parent: PrefixNode | PageName, tokens: Uint32Array, key: number);
  get name(): PageName;
}
declare class PrefixTree {
  #private;
  readonly pageSize: number;
  constructor(pageSize: number);
  root(name: PageName): PrefixNode;
  find(parent: PrefixNode, tokens: ArrayLike<number>, start: number): PrefixNode | undefined;
  insert(parent: PrefixNode, tokens: ArrayLike<number>, start: number): PrefixNode;
  prune(node: PrefixNode): void;
  nodes(): Generator<PrefixNode>;
}
type Refusal = "not a record" | "version" | "truncated" | "too long" | "checksum" | "geometry" | "name" | "depth" | "payload";
interface RefusedRecord {
  readonly refused: Refusal;
  readonly reason: string;
}
interface SequenceState {
  readonly id: number;
  readonly table: BlockTable;
  readonly counts: Uint32Array;
  readonly appended: Uint32Array;
  reserved: number;
  committed: number;
  pending: number[];
  node: PrefixNode;
  firstKept: number;
  priority: number;
  cachedTokens: number;
  epoch: number;
  isOpen: boolean;
}
interface Sight {
  readonly first: number;
  readonly pages: number;
}
// #endregion

// #region Other
export { PageFormat }
export { WarmupOptions }
// #endregion
