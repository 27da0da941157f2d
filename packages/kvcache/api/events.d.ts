/** The public declarations of `@heed/kvcache/events`, by tools/api.mjs. */
// #region Interfaces
export interface EventBatchOptions {
  readonly form?: "maps" | "arrays";
  readonly hashes?: "bytes" | "integers";
  readonly timestamp?: number;
  readonly medium?: string;
  readonly dataParallelRank?: number;
}
export interface KvEvents {
  readonly stored: StoredEvent;
  readonly removed: RemovedEvent;
  readonly cleared: undefined;
}
export interface RemovedEvent {
  readonly name: PageName;
  readonly page: number;
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
export type KvEventEntry = { [E in keyof KvEvents]: readonly [event: E, value: KvEvents[E]]; }[keyof KvEvents];
// #endregion

// #region Functions
export declare function encodeEventBatch(events: readonly KvEventEntry[], options?: EventBatchOptions): Uint8Array;
// #endregion

// #region Referenced (internal)
type PageName = string;
// #endregion
