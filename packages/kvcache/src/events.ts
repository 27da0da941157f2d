export {
  encodeEventBatch,
  type EventBatchOptions,
  type KvEventEntry,
} from './cache/event-batch.ts';
export type { KvEvents, RemovedEvent, StoredEvent } from './cache/cache-events.ts';
