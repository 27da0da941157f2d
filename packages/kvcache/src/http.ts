export { httpStore, type HttpStoreOptions } from './stores/http-store.ts';
export type { KvStore } from './stores/kv-store.ts';
