import type * as Fs from 'node:fs/promises';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HeedError } from '@heed/core';
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest';
import { fsStore } from '../../../src/node.ts';
import { keysOf } from '@heed/testing/store-contract';

/** Code of the error with which the next write ends, after half of its bytes. */
const fault = vi.hoisted(() => {
  vi.resetModules(); // test files share their modules
  return { code: '' };
});
afterAll(() => void vi.resetModules());

vi.mock('node:fs/promises', async (importOriginal) => {
  const fs = await importOriginal<typeof Fs>();
  const half = async (...[file, data, options]: Parameters<typeof writeFile>): Promise<void> => {
    if (fault.code === '') return fs.writeFile(file, data, options);
    const bytes = data as Uint8Array;
    await fs.writeFile(file, bytes.subarray(0, bytes.length / 2), options);
    throw Object.assign(new Error(`${fault.code}: the disk says no`), { code: fault.code });
  };
  return { ...fs, writeFile: half };
});

let folder = '';
beforeEach(async () => {
  fault.code = '';
  folder = await mkdtemp(join(tmpdir(), 'heed-fs-faults-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const old = new Uint8Array(100).fill(1);

it.for([
  ['ENOSPC', 'capacity', /is full \(ENOSPC: .*\); delete entries or free disk space/],
  ['EIO', 'validation', /must be a folder, .* \(EIO/],
] as const)(
  'a put that ends half-way with %s leaves the old entry, and nothing else',
  async (row) => {
    const [code, kind, message] = row;
    const store = fsStore(folder);
    await store.put('x', old);
    fault.code = code;
    const error: unknown = await store
      .put('x', new Uint8Array(100).fill(2))
      .catch((e: unknown) => e);
    expect(HeedError.is(error) && error.code).toBe(kind);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).cause).toMatchObject({ code });
    expect(await store.get('x')).toEqual(old);
    expect(await readdir(folder)).toEqual(['key-x.bin']);
  },
);

it('a put that never ends is not an entry', async () => {
  await writeFile(join(folder, 'heed-00000000-0000-4000-8000-000000000000.tmp'), old);
  const store = fsStore(folder);
  await store.put('x', old);
  expect(await keysOf(store)).toEqual(['x']);
});
