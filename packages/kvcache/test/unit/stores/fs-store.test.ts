import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { CapacityError, ValidationError } from '@heed/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fsStore } from '../../../src/node.ts';
import { burstClock } from '../../../src/stores/fs-store.ts';
import { storeKey } from '../../../src/stores/store-key.ts';
import { describeStore, keysOf } from '@heed/testing/store-contract';

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

const entry = new Uint8Array(100);
const page = (depth: number, letter: string): string =>
  storeKey({
    geometry: '0123456789abcdef',
    namespace: '',
    group: 0,
    depth,
    name: letter.repeat(64),
  });

/** Sets the time of an entry's last use to `seconds` ago. */
async function age(folder: string, key: string, seconds: number): Promise<void> {
  const time = Date.now() / 1000 - seconds;
  await utimes(join(folder, `key-${key}.bin`), time, time);
}

it('drops what was not used for longest, down to nine tenths', async () => {
  const folder = newFolder();
  const store = fsStore(folder, { maxBytes: 1000 });
  for (let i = 0; i < 10; i++) {
    await store.put(`k${i}`, entry);
    await age(folder, `k${i}`, 100 - i);
  }
  expect(await keysOf(store)).toHaveLength(10);
  expect(await store.get('k0')).toHaveLength(100); // now it is the one that was used last
  await store.put('k10', entry);
  const kept = ['k0', 'k3', 'k4', 'k5', 'k6', 'k7', 'k8', 'k9', 'k10'];
  expect(await keysOf(store)).toEqual(kept.toSorted());
});

it('drops the deepest pages of a prefix first: the others are of use without them', async () => {
  const folder = newFolder();
  const writer = fsStore(folder);
  const chain = ['a', 'b', 'c', 'd', 'e'].map((letter, depth) => page(depth, letter));
  for (const key of chain) await writer.put(key, entry);
  for (const key of chain) await age(folder, key, 1000);
  for (const key of chain) await writer.get(key); // as a load does, the first page first
  await fsStore(folder, { maxBytes: 550 }).put('new', entry);
  expect(await keysOf(writer)).toEqual([...chain.slice(0, 3), 'new'].toSorted());
});

it('counts what other stores of the folder have put, and leaves foreign files alone', async () => {
  const folder = newFolder();
  const [a, b] = [1, 2].map(() => fsStore(folder, { maxBytes: 1000 })) as [
    ReturnType<typeof fsStore>,
    ReturnType<typeof fsStore>,
  ];
  await a.put('mine', entry);
  await writeFile(join(folder, 'notes.txt'), new Uint8Array(5000));
  await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? a : b).put(`k${i}`, entry)));
  const bytes = 100 * (await keysOf(a)).length;
  expect(bytes).toBeLessThanOrEqual(1200);
  expect(bytes).toBeGreaterThanOrEqual(800);
  expect((await stat(join(folder, 'notes.txt'))).size).toBe(5000);
});

it('is pruned by several processes at once, and none fails', async () => {
  const folder = newFolder();
  const file = fileURLToPath(new URL('../../../src/node.ts', import.meta.url));
  const program = `
    const { fsStore } = await import(${JSON.stringify(pathToFileURL(file).href)});
    const store = fsStore(${JSON.stringify(folder)}, { maxBytes: 3000 });
    for (let i = 0; i < 60; i++) await store.put('k' + process.pid + '-' + i, new Uint8Array(100));
  `;
  const run = (): Promise<unknown> =>
    promisify(execFile)(process.execPath, [
      '--conditions=@heed/source',
      '--input-type=module',
      '--eval',
      program,
    ]);
  await Promise.all([run(), run(), run()]);
  const store = fsStore(folder, { maxBytes: 3000 });
  await store.put('last', entry);
  const bytes = 100 * (await keysOf(store)).length;
  expect(bytes).toBeLessThanOrEqual(3000);
  expect(bytes).toBeGreaterThanOrEqual(2300); // three prune to 90 % of what each has listed
});

it('grows without a limit where none is given', async () => {
  const store = fsStore(newFolder());
  for (let i = 0; i < 12; i++) await store.put(`k${i}`, entry);
  expect(await keysOf(store)).toHaveLength(12);
});

it('refuses an entry that alone is too large, and keeps the others', async () => {
  const store = fsStore(newFolder(), { maxBytes: 150 });
  await store.put('small', entry);
  const error = await store.put('large', new Uint8Array(151)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(CapacityError);
  expect((error as Error).message).toBe(
    'fsStore().put: an entry of 151 bytes is larger than maxBytes, 150. Give the store more, or use smaller pages.',
  );
  expect(await keysOf(store)).toEqual(['small']);
});

it.each([
  [[], "folder must be a path; got undefined. Pass one, such as 'pages'."],
  [[''], "folder must be a path; got ''. Pass one, such as 'pages'."],
  [[{ dir: 'pages' }], "folder must be a path; got Object. Pass one, such as 'pages'."],
  [
    ['x', { maxByte: 5 }],
    'there is no maxByte in options; got 5. Did you mean maxBytes? There are maxBytes.',
  ],
  [['x', { maxBytes: 0 }], 'maxBytes must be a whole number from 1 on; got 0. Pass such a number.'],
])('refuses %j', (args, message) => {
  const make = (): unknown => (fsStore as (...args: unknown[]) => unknown)(...args);
  expect(make).toThrow(ValidationError);
  expect(make).toThrow(`fsStore: ${message}`);
});

it('gives calls in quick succession one time, for a minute at most', () => {
  const times = [0, 9_000, 18_000, 29_000, 38_000, 47_000, 56_000, 65_000, 74_000, 83_000, 92_000];
  let at = 0;
  const clock = burstClock(() => times[at++]!);
  const given = times.map(() => clock());
  const second = [29_000, 29_000, 29_000, 29_000, 29_000, 29_000, 29_000];
  expect(given).toEqual([0, 0, 0, ...second, 92_000]);
});

it('begins anew when the clock is set back', () => {
  const times = [50_000, 1_000, 2_000];
  const clock = burstClock(() => times.shift()!);
  expect([clock(), clock(), clock()]).toEqual([50_000, 1_000, 1_000]);
});
