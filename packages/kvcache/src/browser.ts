export { opfsStore } from './stores/opfs-store.ts';
export type { KvStore } from './stores/kv-store.ts';
