export type { AppendOptions, AppendRotary } from './cache/append-step.ts';
export { PagedKvCache } from './cache/paged-kv-cache.ts';
export type { KvEvents, RemovedEvent, StoredEvent } from './cache/cache-events.ts';
export {
  type EvictionCandidate,
  type EvictionPolicy,
  fairShare,
  lru,
  priority,
} from './pages/eviction.ts';
export type { Rotary, RotaryTables } from './kernels/rotary.ts';
export { rotate } from './kernels/rotate.ts';
export type {
  CacheGroup,
  CacheOptions,
  GroupedCacheOptions,
  LayerOptions,
  MemoryOptions,
  OpenOptions,
} from './cache/cache-options.ts';
export type { PageFormat } from '@heed/core';
export type { PageName, Sha256 } from './pages/page-name.ts';
export type { TokenIds } from './pages/token-ids.ts';
export { prefixNames } from './cache/checked-names.ts';
export type { PrefixNamesOptions } from './pages/prefix-names.ts';
export type { KeepOptions, KvSequence } from './cache/kv-sequence.ts';
export type { GroupStats, KvStats, SaltStats, StatsOptions } from './cache/cache-stats.ts';
export type { LoadOptions } from './cache/load-pages.ts';
export type { LoadReport, RefusedPage } from './cache/load-report.ts';
export { memoryStore } from './stores/kv-store.ts';
export type { SaveOptions, SaveReport } from './cache/save-pages.ts';
export type { StoreOptions } from './cache/store-options.ts';
export type {
  GetManyOptions,
  KvStore,
  PutManyOptions,
  PutManyReport,
  StoreEntry,
} from './stores/kv-store.ts';
export { tee } from './stores/tee-store.ts';
export type { KvView } from './cache/kv-view.ts';
export type { WarmupOptions } from '@heed/core/kernel';
export type { PageRefusal } from './stores/page-record.ts';
