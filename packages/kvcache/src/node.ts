export { fsStore, type FsStoreOptions } from './stores/fs-store.ts';
export type { KvStore } from './stores/kv-store.ts';
