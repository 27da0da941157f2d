import { fail, type Meant, readOptions, show } from '@heed/core/kernel';
import type { PageName } from '../pages/page-name.ts';
import {
  prefixNames as namesWithoutCore,
  prefixNamesOptions,
  type PrefixNamesOptions,
} from '../pages/prefix-names.ts';
import type { TokenIds } from '../pages/token-ids.ts';
import { checkTokens, checkWhole } from '../pages/whole-numbers.ts';

const meantNames: Meant = () => ({ tenant: 'salt', cachesalt: 'salt', blocksize: 'pageSize' });

/**
 * Returns the names of all full pages of a prompt, first page first: those under which a cache of this page size keeps, tells and
 * stores them, whatever computes the hash. Routers without a GPU import it from `@heed/kvcache/names`, which needs no other package.
 *
 * A name is the SHA-256 of the name before it (32 bytes; for the first page, of the salt) and of the page's tokens as little-endian
 * 32-bit words. `open` finds at most `tokens.length − 1` tokens, so it does not use the last name of a prompt of whole pages.
 *
 * Source: the hash chains of vLLM's prefix caching.
 *
 * @param tokens whole numbers from 0 to 2³² − 1, in any list, 64-bit ones included; what is behind the last full page is ignored
 * @throws ValidationError tokens that are not such a list; a page size, salt or hash that is none; an unknown option
 *
 * @example
 * const names = prefixNames(prompt, { pageSize: 16, salt: 'tenant 1' });
 */
export function prefixNames(tokens: TokenIds, options: PrefixNamesOptions): PageName[] {
  const fn = 'prefixNames';
  const read = readOptions(fn, options, prefixNamesOptions, meantNames);
  const ids = checkTokens(fn, tokens);
  checkWhole(fn, 'pageSize', read.pageSize, 1);
  const { salt, hash } = read;
  if (salt !== undefined && typeof salt !== 'string') {
    fail(fn, 'salt must be a string', show(salt), 'Leave it out.');
  }
  if (hash !== undefined && typeof hash !== 'function') {
    fail(fn, 'hash must be a function from bytes to their SHA-256', show(hash), 'Leave it out.');
  }
  return namesWithoutCore(ids, read);
}
