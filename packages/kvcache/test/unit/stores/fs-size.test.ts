import { mkdtemp, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CapacityError, ValidationError } from '@heed/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fsStore } from '../../../src/node.ts';
import { storeKey } from '../../../src/stores/store-key.ts';
import { keysOf } from './store-contract.ts';

let root = '';
let made = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'heed-fs-size-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
const newFolder = (): string => join(root, `store-${made++}`);

const entry = new Uint8Array(100);
const geometry = {
  layers: 1,
  kvHeads: 1,
  headDim: 2,
  headDimV: 2,
  pageSize: 2,
  format: 'f32',
} as const;
const page = (depth: number, letter: string): string =>
  storeKey({ geometry, namespace: '', depth, name: letter.repeat(64) });

/** Makes an entry look as if it had been used so many seconds ago. */
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
