/** The public declarations of `@heed/valkey`, by tools/api.mjs. */
// #region Interfaces
export interface Clock {
  now(): number;
  setTimeout(call: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}
export interface EventStats {
  readonly messages: number;
  readonly snapshots: number;
  readonly errors: number;
  readonly lastError: Error | undefined;
}
export interface FollowOptions {
  readonly cell: string;
  readonly signal?: AbortSignal;
}
export interface PublishOptions {
  readonly cell: string;
  readonly worker: string;
  readonly url: string;
  readonly load: () => WorkerLoad;
  readonly bits?: string;
  readonly namespace?: string;
  readonly pageSize?: number;
  readonly flushMs?: number;
  readonly snapshotMs?: number;
}
export interface ValkeyClient {
  getBuffer(key: string): Promise<Uint8Array | null>;
  set(key: string, value: string | number | Uint8Array, unit: "EX", seconds: number): Promise<unknown>;
  set(key: string, value: string | number | Uint8Array, unit: "PX", milliseconds: number): Promise<unknown>;
  set(key: string, value: string | number | Uint8Array): Promise<unknown>;
  unlink(key: string): Promise<number>;
  xadd(key: string, ...args: (string | number)[]): Promise<string | null>;
  xread(count: "COUNT", most: number, block: "BLOCK", milliseconds: number, streams: "STREAMS", ...keysAndIds: string[]): Promise<readonly (readonly [key: string, entries: readonly StreamEntry[]])[] | null>;
  smembers(key: string): Promise<string[]>;
  sadd(key: string, member: string): Promise<number>;
  srem(key: string, member: string): Promise<number>;
  scan(cursor: string, match: "MATCH", pattern: string, count: "COUNT", most: number): Promise<[cursor: string, keys: string[]]>;
  duplicate(...args: never[]): unknown;
  nodes?(role: "master"): Pick<ValkeyClient, "scan">[];
  ttl?(key: string): Promise<number>;
  expire?(key: string, seconds: number): Promise<number>;
  info?(section: string): Promise<string>;
}
export interface ValkeyStore extends KvStore, AsyncDisposable {
  getMany(keys: readonly string[], options?: GetManyOptions): Promise<readonly (Uint8Array | undefined)[]>;
  putMany(entries: readonly StoreEntry[], options?: PutManyOptions): Promise<PutManyReport>;
  readonly stats: ValkeyStoreStats;
}
export interface ValkeyStoreOptions {
  readonly prefix?: string;
  readonly ttlSeconds?: number;
  readonly deadlineMs?: number;
  readonly minBytesPerSecond?: number;
  readonly batchBytes?: number;
  readonly breaker?: {
    readonly failures?: number;
    readonly coolMs?: number;
  };
  readonly clock?: Clock;
}
export interface ValkeyStoreStats {
  readonly hits: number;
  readonly bytesRead: number;
  readonly misses: number;
  readonly late: number;
  readonly kept: number;
  readonly bytesWritten: number;
  readonly refused: number;
  readonly unanswered: number;
  readonly renewed: number;
  readonly readMs: number;
  readonly writeMs: number;
  readonly breaker: "closed" | "open";
  readonly breakerOpened: number;
  readonly policy: string | undefined;
}
// #endregion

// #region Types
export type EventSink = Pick<Router, "apply" | "drop" | "load">;
export type EventSource = Pick<PagedKvCache, "on" | "prefixes">;
export type StreamEntry = readonly [id: string, fields: readonly string[]];
// #endregion

// #region Classes
export declare class UnreachableError extends Error {
  readonly code = "unreachable";
  constructor(message: string, cause?: unknown);
}
// #endregion

// #region Functions
export declare function followKvEvents(client: ValkeyClient, router: EventSink, options: FollowOptions): AsyncDisposable & {
  readonly stats: EventStats;
};
export declare function publishKvEvents(cache: EventSource, client: ValkeyClient, options: PublishOptions): AsyncDisposable & {
  readonly stats: EventStats;
};
export declare function valkeyStore(client: ValkeyClient, options?: ValkeyStoreOptions): ValkeyStore;
// #endregion
