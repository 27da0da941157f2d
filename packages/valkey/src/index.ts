export { valkeyStore, type ValkeyStore } from './valkey-store.ts';
export type { ValkeyStoreOptions } from './store-options.ts';
export type { ValkeyStoreStats } from './store-stats.ts';
export { type EventSource, publishKvEvents, type PublishOptions } from './publish-events.ts';
export { type EventSink, followKvEvents, type FollowOptions } from './follow-events.ts';
export type { EventStats } from './cell-keys.ts';
export type { Clock } from './commands.ts';
export type { StreamEntry, ValkeyClient } from './client.ts';
export { UnreachableError } from './valkey-errors.ts';
