export { valkeyStore, type ValkeyStore } from './valkey-store.ts';
export type { ValkeyStoreOptions } from './store-options.ts';
export type { ValkeyStoreStats } from './store-stats.ts';
export type { Clock } from './commands.ts';
export type { StreamEntry, ValkeyClient } from './client.ts';
export { UnreachableError } from './valkey-errors.ts';
