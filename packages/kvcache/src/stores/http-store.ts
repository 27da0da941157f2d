import { UnsupportedError, ValidationError } from '@heed/core';
import { fail, type NamesOf, readOptions, show } from '@heed/core/kernel';
import type { KvStore } from './kv-store.ts';

/** Options of `httpStore`. */
export interface HttpStoreOptions {
  /** A function like `fetch`. Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** Sent with each request, such as an authorization. */
  readonly headers?: HeadersInit;
  /** All keys, or the address of a JSON array of them (relative to the base). Without it, `keys` is an UnsupportedError. */
  readonly manifest?: readonly string[] | string;
}

export const httpNames: NamesOf<HttpStoreOptions> = { fetch: 1, headers: 1, manifest: 1 };

/** Requests of a `getMany` that are under way at once. Browsers open about as many connections. */
const together = 8;

/**
 * Returns a read-only store of files on a web server or in a bucket: the entry of a key is `GET base + key`. Copy the files of an
 * `fsStore` there under their keys, and serve them as `immutable`. `load(store, { tokens })` needs no list of keys. Behind a
 * memory or a browser's files ({@link KvStore | tee}), each file is fetched once.
 *
 * A missing file must be a 404. `put`, `delete`, and `keys` without a manifest reject with UnsupportedError.
 *
 * @param base the text before a key, such as `https://example.org/pages/`; in browsers it may be relative to the page
 * @throws ValidationError not such a text, or an unknown option; from its functions: another status than 200 or 404, no answer,
 *   or a key that the address cannot hold ('', '.', '..', or half of a surrogate pair)
 *
 * @example
 * const pages = httpStore('https://example.org/pages/', { headers: { authorization: 'Bearer …' } });
 */
export function httpStore(base: string | URL, options?: HttpStoreOptions): KvStore {
  const given = readOptions('httpStore', options, httpNames);
  const { fetch: request = fetch, headers, manifest } = given;
  const text = String(base);
  const page = (globalThis as { location?: Location }).location?.href;
  if (!URL.canParse(text, page)) {
    const fix = "Pass an absolute one, such as 'https://example.org/pages/'.";
    fail('httpStore', 'base must be an address', show(base), fix);
  }
  if (typeof request !== 'function') {
    fail('httpStore', 'fetch must be a function', show(request), 'Leave it out.');
  }

  /** Resolves to the body, or to undefined for a 404. */
  const read = async (
    fn: string,
    url: string,
    signal?: AbortSignal,
  ): Promise<Response | undefined> => {
    const where = `httpStore().${fn}: ${url}`;
    let response: Response;
    try {
      response = await request(url, { ...(headers && { headers }), ...(signal && { signal }) });
    } catch (error) {
      signal?.throwIfAborted();
      throw new ValidationError(
        `${where} did not answer (${String(error)}); check base, or try later`,
        {
          cause: error,
        },
      );
    }
    if (response.ok) return response;
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw new ValidationError(
      `${where} must answer with status 200 or 404; got ${response.status}. Check base and headers, or try later.`,
    );
  };
  const get = async (
    fn: string,
    key: string,
    signal?: AbortSignal,
  ): Promise<Uint8Array | undefined> => {
    const response = await read(fn, addressOf(fn, text, page, key), signal);
    return response && new Uint8Array(await response.arrayBuffer());
  };
  const readOnly = (fn: string) => async (): Promise<never> => {
    throw new UnsupportedError(
      `httpStore().${fn}: the store is read-only; write to another store, such as the near one of tee(near, far)`,
    );
  };
  return {
    get: (key) => get('get', key),
    put: readOnly('put'),
    delete: readOnly('delete'),
    async *keys() {
      if (manifest === undefined) {
        throw new UnsupportedError(
          'httpStore().keys: a web server does not list its files; pass manifest, or tokens to load',
        );
      }
      if (typeof manifest !== 'string') return yield* manifest;
      const url = new URL(manifest, new URL(text, page)).href;
      const response = await read('keys', url);
      const keys: unknown = await response?.json().catch(() => 'another text');
      if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) {
        const got = keys === undefined ? 'no file' : show(keys);
        fail(
          'httpStore().keys',
          `${url} must be a JSON array of keys`,
          got,
          'List all keys there.',
        );
      }
      yield* keys;
    },
    async getMany(keys, { signal } = {}) {
      const values = new Array<Uint8Array | undefined>(keys.length).fill(undefined);
      const errors: unknown[] = [];
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < keys.length) {
          const at = next++;
          try {
            values[at] = await get('getMany', keys[at]!, signal);
          } catch (error) {
            signal?.throwIfAborted();
            errors.push(error);
          }
        }
      };
      signal?.throwIfAborted();
      await Promise.all(Array.from({ length: together }, worker));
      if (keys.length > 0 && errors.length === keys.length) throw errors[0];
      return values;
    },
  };
}

/** Returns the address of a key's file. */
function addressOf(fn: string, base: string, page: string | undefined, key: string): string {
  const escaped = /\p{Surrogate}/u.test(key) ? '' : encodeURIComponent(key);
  const url = new URL(base + escaped, page).href;
  if (escaped !== '' && url.endsWith(escaped)) return url;
  const rule = "a key must be neither '', '.' nor '..', nor hold half of a surrogate pair";
  return fail(`httpStore().${fn}`, rule, show(key), 'Pass the key of a record.');
}
