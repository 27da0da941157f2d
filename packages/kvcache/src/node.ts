export { fsStore } from './stores/fs-store.ts';
export type { KvStore } from './stores/store.ts';
