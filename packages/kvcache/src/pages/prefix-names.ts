import { pageDigest, type PageName, rootDigest, type Sha256, toHex } from './page-name.ts';
import { sha256 } from './sha256.ts';
import { tokenIds, type TokenIds } from './token-ids.ts';

/** Options of `prefixNames`. */
export interface PrefixNamesOptions {
  /** Tokens in a page, as in the cache: 1 or more. Required. */
  readonly pageSize: number;
  /** As in `cache.open`. Default: the empty salt. */
  readonly salt?: string;
  /** A synchronous SHA-256. Default: heed's, in TypeScript. `(bytes) => createHash('sha256').update(bytes).digest()` is faster in Node. */
  readonly hash?: Sha256;
}

/**
 * Returns the names of all full pages of a prompt, first page first: those under which a cache of this page size keeps, tells and
 * stores them, whatever computes the hash. Also at `@heed/kvcache/names`, which needs no other package, for routers.
 *
 * A name is the SHA-256 of the name before it (32 bytes; for the first page, of the salt) and of the page's tokens as little-endian
 * 32-bit words. `open` finds at most `tokens.length − 1` tokens, so it does not use the last name of a prompt of whole pages.
 *
 * Source: the hash chains of vLLM's prefix caching.
 *
 * @param tokens whole numbers from 0 to 2³² − 1, in any list, 64-bit ones included; what is behind the last full page is ignored
 * @throws ValidationError tokens that are not such a list; a page size, salt or hash that is none; an unknown option. (It is an
 *   error that `HeedError.is` recognises; only from `@heed/kvcache` it is an instance of core's class.)
 *
 * @example
 * const names = prefixNames(prompt, { pageSize: 16, salt: 'tenant 1' });
 */
export function prefixNames(tokens: TokenIds, options: PrefixNamesOptions): PageName[] {
  const { pageSize, salt = '', hash = sha256 } = checkOptions(options);
  const ids = tokenIds(tokens, (rule, got, fix) => refuse(`${rule}; got ${String(got)}. ${fix}`));
  const digest: Sha256 = (bytes) => checkDigest(hash(bytes));
  const names: PageName[] = [];
  let parent = rootDigest(salt, digest);
  for (let start = 0; start + pageSize <= ids.length; start += pageSize) {
    parent = pageDigest(parent, ids, start, pageSize, digest);
    names.push(toHex(parent));
  }
  return names;
}

export const prefixNamesOptions: { readonly [K in keyof Required<PrefixNamesOptions>]: 1 } = {
  pageSize: 1,
  salt: 1,
  hash: 1,
};

function checkOptions(options: PrefixNamesOptions): PrefixNamesOptions {
  if (typeof options !== 'object' || options === null) {
    refuse(`options must be { pageSize, salt?, hash? }; got ${String(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || Object.hasOwn(prefixNamesOptions, name)) continue;
    refuse(`there is no ${name} in options; got ${String(value)}. There are pageSize, salt, hash`);
  }
  const { pageSize, salt, hash } = options;
  if (!Number.isSafeInteger(pageSize) || pageSize < 1) {
    refuse(`pageSize must be a whole number from 1 on, that of the cache; got ${String(pageSize)}`);
  }
  if (salt !== undefined && typeof salt !== 'string') {
    refuse(`salt must be a string; got ${String(salt)}. Leave it out for none`);
  }
  if (hash !== undefined && typeof hash !== 'function') {
    refuse(`hash must be a function from bytes to their SHA-256; got ${String(hash)}`);
  }
  return options;
}

function checkDigest(digest: Uint8Array): Uint8Array {
  if (digest instanceof Uint8Array && digest.length === 32) return digest;
  return refuse(
    `hash must return the 32 bytes of a SHA-256, synchronously; got ${
      digest instanceof Uint8Array ? `${digest.length} bytes` : String(digest)
    }`,
  );
}

/** Throws what core's ValidationError is to `HeedError.is`, without core: routers have no GPU. */
function refuse(message: string): never {
  const error = Object.assign(new Error(`prefixNames: ${message}.`), { code: 'validation' });
  error.name = 'ValidationError';
  throw Object.defineProperty(error, Symbol.for('heed.error'), { value: true });
}
