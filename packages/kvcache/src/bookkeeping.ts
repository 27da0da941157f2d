/** The host's half of a cache, without a GPU, for simulations in this repository; the published package does not have it. */
export { lru } from './pages/eviction.ts';
export { prefixNames } from './pages/prefix-names.ts';
export { Ledger } from './sequences/ledger.ts';
