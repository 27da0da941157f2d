import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { HeedError } from '@heed/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpStore } from '../../../src/http.ts';
import { memoryStore, tee } from '../../../src/index.ts';
import { describeReader, keysOf, uglyKeys } from '@heed/testing/store-contract';

/** Paths and their bodies; a number is a status. */
const files = new Map<string, Uint8Array | number>();
const seen: string[] = [];
let server: Server;
let origin: string;
beforeAll(async () => {
  server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${String(request.headers['x-who'] ?? '')}`);
    const file = files.get(request.url!) ?? 404;
    if (typeof file === 'number') response.writeHead(file).end('no');
    else response.writeHead(200).end(file);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let made = 0;
/** Serves entries below a new address, which it returns. */
function serve(entries: ReadonlyMap<string, Uint8Array | number>): string {
  const folder = `/pages-${made++}/`;
  for (const [key, file] of entries) files.set(folder + encodeURIComponent(key), file);
  return origin + folder;
}

/** Keys that an address can hold. */
const webKeys = uglyKeys.filter((key) => !['', '.', '..', '\ud83d'].includes(key));

const open = async (entries: ReadonlyMap<string, Uint8Array>) =>
  httpStore(serve(entries), { manifest: [...entries.keys()] });
describeReader('httpStore(base)', open, webKeys);
describeReader(
  'tee(memoryStore(), httpStore(base))',
  async (entries) => tee(memoryStore(), await open(entries)),
  webKeys,
);

const one = Uint8Array.of(1);
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return HeedError.is(error) ? `${error.code}: ${error.message}` : String(error);
};

describe('httpStore', () => {
  it('gets base + key with its headers, and puts and deletes nothing', async () => {
    const base = serve(new Map([['a', one]]));
    const store = httpStore(base, { headers: { 'x-who': 'me' } });
    expect(await store.get('a')).toEqual(one);
    expect(seen.at(-1)).toBe(`GET ${new URL(base).pathname}a me`);
    expect(await codeOf(store.put('a', one))).toMatch(
      /^unsupported: .*put: the store is read-only/,
    );
    expect(await codeOf(store.delete('a'))).toMatch(/^unsupported: .*delete: the store is read-/);
    expect(await codeOf(keysOf(store))).toMatch(/^unsupported: .*keys: .* pass manifest/);
  });

  it('takes a base that ends within a query', async () => {
    const path = `/get?key=`;
    files.set(`${path}a`, one);
    expect(await httpStore(origin + path).get('a')).toEqual(one);
  });

  it('lists the keys of a manifest on the server', async () => {
    const list = new TextEncoder().encode('["a","b"]');
    const base = serve(
      new Map<string, Uint8Array>([
        ['keys.json', list],
        ['bad.json', one],
      ]),
    );
    expect(await keysOf(httpStore(base, { manifest: 'keys.json' }))).toEqual(['a', 'b']);
    const missing = httpStore(base, { manifest: 'none.json' });
    expect(await codeOf(keysOf(missing))).toMatch(
      /^validation: .*a JSON array of keys; got no file/,
    );
    const bad = httpStore(base, { manifest: 'bad.json' });
    expect(await codeOf(keysOf(bad))).toMatch(/a JSON array of keys; got 'another text'/);
  });

  it('rejects for any other status, and for no answer', async () => {
    const store = httpStore(
      serve(
        new Map([
          ['a', 403],
          ['b', 500],
        ]),
      ),
    );
    expect(await codeOf(store.get('a'))).toMatch(/^validation: .*status 200 or 404; got 403/);
    expect(await codeOf(store.get('b'))).toMatch(/got 500/);
    const gone = httpStore('http://127.0.0.1:9/');
    expect(await codeOf(gone.get('a'))).toMatch(/^validation: .*127.0.0.1:9\/a did not answer/);
    expect(await codeOf(gone.getMany!(['a', 'b']))).toMatch(/did not answer/);
  });

  it('answers for what is reachable of many', async () => {
    const store = httpStore(
      serve(
        new Map<string, Uint8Array | number>([
          ['a', one],
          ['b', 500],
        ]),
      ),
    );
    expect(await store.getMany!(['b', 'a', 'c'])).toEqual([undefined, one, undefined]);
    expect(await codeOf(store.getMany!(['b', 'b']))).toMatch(/got 500/);
  });

  it('hears an abort while the server does not answer', async () => {
    const aborter = new AbortController();
    const never = (_: unknown, init?: RequestInit): Promise<Response> =>
      new Promise((__, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal!.reason as Error));
      });
    const store = httpStore(origin, { fetch: never });
    const reason = new Error('enough');
    const work = store.getMany!(['a', 'b'], { signal: aborter.signal });
    aborter.abort(reason);
    await expect(work).rejects.toBe(reason);
  });

  it('refuses keys that an address cannot hold, and a base that is none', async () => {
    const store = httpStore(`${origin}/x/`);
    for (const key of ['', '.', '..', '\ud83d']) {
      expect(await codeOf(store.get(key))).toMatch(/^validation: httpStore\(\).get: a key must be/);
    }
    const make = httpStore as (...args: unknown[]) => unknown;
    expect(() => make('pages/')).toThrow(/base must be an address; got 'pages\/'/);
    expect(() => make(origin, { header: {} })).toThrow(/no header in options.*headers/);
    expect(() => make(origin, { fetch: 1 })).toThrow(/fetch must be a function/);
  });
});
