import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fsStore } from '../../../src/node.ts';
import { describeStore, keysOf } from './store-contract.ts';

let root = '';
let made = 0;
const newFolder = (): string => join(root, `store-${made++}`);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'heed-fs-store-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

describeStore('fsStore(folder)', () => fsStore(newFolder()));

const one = Uint8Array.of(1);

describe('fsStore', () => {
  it('keeps entries for the next store of the folder, and shares them with others', async () => {
    const folder = newFolder();
    const [a, b] = [fsStore(folder), fsStore(folder)];
    await a.put('greeting', Uint8Array.of(104, 105));
    expect(await b.get('greeting')).toEqual(Uint8Array.of(104, 105));
    await b.delete('greeting');
    expect(await a.get('greeting')).toBeUndefined();
  });

  it('makes its folder at the first put, not before, with the folders above it', async () => {
    const folder = join(newFolder(), 'a', 'b');
    const store = fsStore(folder);
    await store.get('x');
    await store.delete('x');
    expect(await keysOf(store)).toEqual([]);
    await expect(readdir(folder)).rejects.toThrow('ENOENT');
    await store.put('x', one);
    expect(await readdir(folder)).toEqual(['key-x.bin']);
  });

  it('makes its folder again after somebody removed it', async () => {
    const folder = newFolder();
    const store = fsStore(folder);
    await store.put('x', one);
    await rm(folder, { recursive: true });
    expect(await store.get('x')).toBeUndefined();
    await store.put('x', one);
    expect(await store.get('x')).toEqual(one);
  });

  it('neither lists nor touches foreign files', async () => {
    const folder = newFolder();
    const store = fsStore(folder);
    await store.put('x', one);
    const foreign = ['.DS_Store', 'notes.txt', 'key-A.bin', 'key-=zzzz.bin', 'key-=0061.bin'];
    for (const name of foreign) await writeFile(join(folder, name), 'foreign');
    await mkdir(join(folder, 'key-folder.bin'));
    expect(await keysOf(store)).toEqual(['x']);
    expect(await store.get('folder')).toBeUndefined();
    await store.delete('folder');
    await store.delete('x');
    expect((await readdir(folder)).toSorted()).toEqual([...foreign, 'key-folder.bin'].toSorted());
  });

  it('gives a truncated file as it is: the record says what is wrong', async () => {
    const folder = newFolder();
    const store = fsStore(folder);
    await store.put('x', new Uint8Array(100).fill(7));
    await writeFile(join(folder, 'key-x.bin'), new Uint8Array(40).fill(7));
    expect(await store.get('x')).toEqual(new Uint8Array(40).fill(7));
  });

  it('leaves no temporary file, whether a put succeeds or not', async () => {
    const folder = newFolder();
    const store = fsStore(folder);
    await mkdir(join(folder, 'key-x.bin'), { recursive: true }); // nothing can be renamed to it
    await expect(store.put('x', one)).rejects.toThrow('fsStore().put');
    await Promise.all([store.put('y', one), store.put('y', one), store.put('z', one)]);
    expect((await readdir(folder)).toSorted()).toEqual(['key-x.bin', 'key-y.bin', 'key-z.bin']);
  });

  it('removes what dead processes left behind, and leaves what may be in use', async () => {
    const folder = newFolder();
    await mkdir(folder);
    const [old, fresh] = [1, 2].map((i) => `heed-00000000-0000-4000-8000-00000000000${i}.tmp`);
    for (const name of [old!, fresh!, 'mine.tmp']) await writeFile(join(folder, name), '');
    const twoHoursAgo = Date.now() / 1000 - 7200;
    for (const name of [old!, 'mine.tmp'])
      await utimes(join(folder, name), twoHoursAgo, twoHoursAgo);
    const store = fsStore(folder);
    expect(await keysOf(store)).toEqual([]);
    await store.put('x', one);
    expect((await readdir(folder)).toSorted()).toEqual([fresh, 'key-x.bin', 'mine.tmp']);
  });

  it('says what to do when the folder is a file', async () => {
    const folder = newFolder();
    await writeFile(folder, '');
    const store = fsStore(folder);
    const rule = /^fsStore\(\)\.\w+: ".*store-\d+" must be a folder, present or not, .* \(E/;
    await expect(store.put('x', one)).rejects.toThrow(rule);
    await expect(store.get('x')).rejects.toThrow(rule);
    await expect(store.delete('x')).rejects.toThrow(rule);
    await expect(keysOf(store)).rejects.toThrow(rule);
    await rm(folder);
    await store.put('x', one);
    expect(await store.get('x')).toEqual(one);
  });
});
