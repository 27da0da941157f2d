export type { PageName, Sha256 } from './pages/page-name.ts';
export { prefixNames, type PrefixNamesOptions } from './pages/prefix-names.ts';
