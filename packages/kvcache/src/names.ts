export type { PageName, Sha256 } from './pages/page-name.ts';
export type { TokenIds } from './pages/token-ids.ts';
export { prefixNames, type PrefixNamesOptions } from './pages/prefix-names.ts';
