import type { Gpu } from '@heed/core';
import { ownGpu, Rng } from '@heed/testing';
import { afterAll, describe, expect, it } from 'vitest';
import { opfsStore } from '../../src/browser.ts';
import { PagedKvCache } from '../../src/index.ts';
import { decodeRecord, encodeRecord } from '../../src/stores/page-record.ts';
import {
  attend,
  cached,
  depthOf,
  keysByDepth,
  layers,
  tokensOf,
  Toy,
  toyShape,
  write,
} from '../gpu/cache/toy.ts';
import { smallRecord } from '../unit/stores/any-record.ts';
import { describeStore, keysOf } from '@heed/testing/store-contract';

const prefix = `test-${crypto.randomUUID()}`;
let made = 0;
const newName = (): string => `${prefix}-${made++}`;

const root = await navigator.storage.getDirectory();
const folderOf = (name: string): Promise<FileSystemDirectoryHandle> =>
  root.getDirectoryHandle(`heed-${name}`);

/** Writes a file without the store. */
async function writeRaw(name: string, file: string, bytes: Uint8Array): Promise<void> {
  const handle = await (await folderOf(name)).getFileHandle(file, { create: true });
  const stream = await handle.createWritable();
  await stream.write(bytes as Uint8Array<ArrayBuffer>);
  await stream.close();
}

afterAll(async () => {
  for (let i = 0; i < made; i++) {
    await root.removeEntry(`heed-${prefix}-${i}`, { recursive: true }).catch(() => {}); // never written to
  }
});

describeStore('opfsStore(name)', () => opfsStore(newName()));

const one = Uint8Array.of(1);

describe('opfsStore', () => {
  it('survives reopening', async () => {
    const name = newName();
    const store = opfsStore(name);
    await store.put('greeting', Uint8Array.of(104, 105));
    expect((await store.get('greeting'))?.length).toBe(2);
    const reopened = opfsStore(name);
    expect(await keysOf(reopened)).toEqual(['greeting']);
    expect(await reopened.get('greeting')).toEqual(Uint8Array.of(104, 105));
  });

  it('is there for another page of the origin', async () => {
    const name = newName();
    await opfsStore(name).put('x', Uint8Array.of(7));
    const source = `navigator.storage.getDirectory()
      .then((root) => root.getDirectoryHandle(${JSON.stringify(`heed-${name}`)}))
      .then((folder) => folder.getFileHandle('key-x.bin')).then((file) => file.getFile())
      .then((file) => file.arrayBuffer()).then((bytes) => postMessage(new Uint8Array(bytes)))`;
    const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    const worker = new Worker(url);
    const seen = await new Promise((resolve, reject) => {
      worker.addEventListener('message', (event: MessageEvent<Uint8Array>) => resolve(event.data));
      worker.addEventListener('error', reject);
    });
    worker.terminate();
    URL.revokeObjectURL(url);
    expect(seen).toEqual(Uint8Array.of(1, 7));
  });

  it('keeps names apart', async () => {
    const [a, b] = [opfsStore(newName()), opfsStore(newName())];
    await a.put('x', one);
    expect(await b.get('x')).toBeUndefined();
    expect(await keysOf(b)).toEqual([]);
  });

  it('starts again after the site’s data was cleared', async () => {
    const name = newName();
    const store = opfsStore(name);
    await store.put('x', one);
    await root.removeEntry(`heed-${name}`, { recursive: true });
    expect(await store.get('x')).toBeUndefined();
    expect(await keysOf(store)).toEqual([]);
    await store.put('y', one);
    expect(await keysOf(store)).toEqual(['y']);
  });

  it('knows a put that never closed from an entry', async () => {
    const name = newName();
    const store = opfsStore(name);
    await store.put('x', one);
    // A page that is closed during a put leaves an empty file and a hidden copy.
    const handle = await (await folderOf(name)).getFileHandle('key-y.bin', { create: true });
    const stream = await handle.createWritable();
    await stream.write(new Uint8Array(100));
    expect(await keysOf(store)).toEqual(['x']);
    expect(await store.get('y')).toBeUndefined();
    await stream.abort();
    expect(await keysOf(store)).toEqual(['x']);
    await store.put('y', one);
    expect(await keysOf(store)).toEqual(['x', 'y']);
  });

  it('neither lists nor touches foreign files', async () => {
    const name = newName();
    const store = opfsStore(name);
    await store.put('x', one);
    await writeRaw(name, 'notes.txt', one);
    await writeRaw(name, 'key-A.bin', one);
    const folder = await folderOf(name);
    await folder.getDirectoryHandle('key-folder.bin', { create: true });
    expect(await keysOf(store)).toEqual(['x']);
    expect(await store.get('folder')).toBeUndefined();
    await store.delete('folder');
    await store.delete('x');
    const left: string[] = [];
    for await (const file of folder.keys()) left.push(file);
    expect(left.toSorted()).toEqual(['key-A.bin', 'key-folder.bin', 'notes.txt']);
  });

  it('gives a truncated file as far as it goes, and the record refuses it', async () => {
    const name = newName();
    const store = opfsStore(name);
    const record = await encodeRecord(smallRecord, undefined);
    await store.put('whole', record);
    await store.put('cut', record);
    const handle = await (await folderOf(name)).getFileHandle('key-cut.bin');
    const stream = await handle.createWritable({ keepExistingData: true });
    await stream.truncate(61);
    await stream.close();
    const cut = (await store.get('cut'))!;
    expect(cut).toEqual(record.slice(0, 60));
    expect(await decodeRecord(cut)).toMatchObject({ refused: 'truncated' });
    expect(await decodeRecord((await store.get('whole'))!)).toEqual(smallRecord);
  });

  it('takes parallel puts and deletes from several stores of one name', async () => {
    const name = newName();
    const stores = Array.from({ length: 4 }, () => opfsStore(name));
    const value = (i: number): Uint8Array => new Uint8Array(50_000 + i).fill(i);
    await Promise.all(
      stores.flatMap((store, i) => [
        store.put('x', value(i)),
        store.delete('x'),
        store.put(`y${i}`, value(i)),
      ]),
    );
    const values = [undefined, ...stores.map((_, i) => value(i))];
    expect(values).toContainEqual(await stores[0]!.get('x'));
    for (const [i, store] of stores.entries()) expect(await store.get(`y${i}`)).toEqual(value(i));
  });
});

const create = (gpu: Gpu): Promise<PagedKvCache> =>
  PagedKvCache.create(gpu, {
    ...cached(toyShape),
    layers,
    pageSize: 4,
    pages: 12,
    dtype: 'int8',
    poison: true,
  });

it('a cache goes on from the origin’s files after its device was lost', async () => {
  const name = `test-cache-${crypto.randomUUID()}`;
  const tokens = tokensOf(new Rng(4), 18);
  try {
    const first = await ownGpu();
    const cache = await create(first);
    const want = await attend(cache, new Toy(first), write(cache, new Toy(first), tokens));
    expect(await cache.save(opfsStore(name), { namespace: '' })).toMatchObject({ saved: 4 });
    first.device.destroy();
    await first.lost;

    const gpu = await ownGpu();
    const toy = new Toy(gpu);
    using second = await create(gpu);
    expect(await second.load(opfsStore(name), { namespace: '' })).toMatchObject({
      loaded: 4,
      refused: [],
    });
    const served = write(second, toy, tokens);
    expect(served.sequence.cachedTokens).toBe(16);
    expect(await attend(second, toy, served)).toEqual(want);

    const keys = await keysByDepth(opfsStore(name));
    const cut = keys.find((key) => depthOf(key) === 2)!;
    const folder = await root.getDirectoryHandle(`heed-${name}`);
    const stream = await (
      await folder.getFileHandle(`key-${cut}.bin`)
    ).createWritable({ keepExistingData: true });
    await stream.truncate(200);
    await stream.close();
    using third = await create(gpu);
    const { loaded, refused } = await third.load(opfsStore(name), { namespace: '' });
    expect(loaded).toBe(2);
    expect(refused.map((page) => [page.key, page.refused])).toEqual([
      [cut, 'truncated'],
      [keys.at(-1), 'orphan'],
    ]);
    expect(await attend(third, toy, write(third, toy, tokens))).toEqual(want);
  } finally {
    await root.removeEntry(`heed-${name}`, { recursive: true }).catch(() => {}); // never written to
  }
});
