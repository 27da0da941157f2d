import { CapacityError, UnsupportedError } from '@heed/core';
import type { KvStore } from './kv-store.ts';
import { fileName, fileText, keyOfFile } from './store-key.ts';

/**
 * First byte of a complete file, before the entry. The browser creates an empty file when a put begins and fills it when the put
 * ends, and an entry may be empty, too.
 */
const complete = new Uint8Array([1]);

/**
 * Returns a store in the browser's origin private file system, a folder with a file per key. Pages and workers of an origin may
 * share it. It outlives the page; `navigator.storage.persist()` requests that the browser keeps it when space runs low.
 *
 * @param name of the folder, at most 230 characters, where any but `a–z 0–9 . _ -` counts five
 * @throws UnsupportedError the environment has no such file system; from its functions: the browser denies access
 * @throws ValidationError the name is too long; from its functions: a key is too long
 * @throws CapacityError from `put`: the origin's quota is used up
 *
 * @example
 * const store = opfsStore('my-model');
 * await store.put('greeting', new Uint8Array([104, 105]));
 * console.log((await store.get('greeting'))?.length); // 2
 */
export function opfsStore(name: string): KvStore {
  checkOpfs();
  const folderName = `heed-${fileText('opfsStore: the name', name)}`;
  // Looked up for each call: the user may clear the site's data at any time.
  const folder = async (create: boolean): Promise<FileSystemDirectoryHandle> =>
    (await navigator.storage.getDirectory()).getDirectoryHandle(folderName, { create });

  /** Resolves to undefined where the file or folder does not exist. */
  const ifThere = async <T>(fn: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw explained(`opfsStore().${fn}`, error);
    }
  };
  /**
   * Holds a lock of the whole origin, shared for readers and exclusive for writers. A browser fails a read whose file is replaced
   * during it, and a removal whose file is being written.
   */
  const locked = <T>(mode: LockMode, file: string, work: () => Promise<T>): Promise<T> =>
    navigator.locks.request(`${folderName}/${file}`, { mode }, work);

  return {
    async get(key) {
      const file = fileName('opfsStore().get', key);
      return ifThere('get', () =>
        locked('shared', file, async () => read(await (await folder(false)).getFileHandle(file))),
      );
    },
    async put(key, bytes) {
      const file = fileName('opfsStore().put', key);
      try {
        await locked('exclusive', file, async () => write(await folder(true), file, bytes));
      } catch (error) {
        throw explained('opfsStore().put', error);
      }
    },
    async delete(key) {
      const file = fileName('opfsStore().delete', key);
      await ifThere('delete', () =>
        locked('exclusive', file, async () => remove(await folder(false), file)),
      );
    },
    async *keys() {
      yield* (await ifThere('keys', async () => listKeys(await folder(false)))) ?? [];
    },
  };
}

async function write(
  folder: FileSystemDirectoryHandle,
  file: string,
  bytes: Uint8Array,
): Promise<void> {
  const handle = await folder.getFileHandle(file, { create: true });
  const stream = await handle.createWritable(); // writes a copy, which replaces the file at close
  try {
    await stream.write(new Blob([complete, bytes as Uint8Array<ArrayBuffer>]));
    await stream.close();
  } catch (error) {
    await stream.abort().catch(() => {}); // the first error is reported
    throw error;
  }
}

async function read(handle: FileSystemFileHandle): Promise<Uint8Array | undefined> {
  const file = await handle.getFile();
  if (file.size < complete.length) return undefined;
  return new Uint8Array(await file.slice(complete.length).arrayBuffer());
}

async function remove(folder: FileSystemDirectoryHandle, file: string): Promise<void> {
  await folder.getFileHandle(file); // throws if it is missing: removeEntry would remove a folder, too
  await folder.removeEntry(file);
}

/** Lists all keys before it returns: a listing during which files change is undefined. */
async function listKeys(folder: FileSystemDirectoryHandle): Promise<string[]> {
  const keys: string[] = [];
  for await (const [name, handle] of folder.entries()) {
    const key = keyOfFile(name);
    if (key !== undefined && handle.kind === 'file' && (await isComplete(handle))) keys.push(key);
  }
  return keys;
}

async function isComplete(handle: FileSystemFileHandle): Promise<boolean> {
  try {
    return (await handle.getFile()).size >= complete.length;
  } catch (error) {
    if (isMissing(error)) return false; // deleted since it was listed
    throw error;
  }
}

const instead = 'use memoryStore(), or a store of your own';

/** @throws UnsupportedError where this page or worker has no origin private file system that a store can write */
function checkOpfs(): void {
  const { isSecureContext, navigator, FileSystemFileHandle } = globalThis as Partial<
    typeof globalThis
  >;
  if (isSecureContext === false) {
    throw new UnsupportedError(
      'opfsStore: an insecure context has no origin private file system; serve the page by https or from localhost, or ' +
        instead,
    );
  }
  const { storage, locks } = (navigator ?? {}) as Partial<Navigator>;
  const needs = {
    'navigator.storage.getDirectory': storage?.getDirectory,
    'navigator.locks': locks,
    'FileSystemFileHandle.createWritable': FileSystemFileHandle?.prototype.createWritable,
  };
  const missing = Object.entries(needs).find(([, needed]) => needed === undefined);
  if (missing === undefined) return;
  throw new UnsupportedError(
    `opfsStore: needs ${missing[0]}, which this environment lacks (Chromium has it from 86, Firefox from 111, Safari from 26); ` +
      instead,
  );
}

const nameOf = (error: unknown): string => (error as Partial<DOMException>)?.name ?? '';

/** Returns whether a file or folder does not exist. A folder under an entry's name is foreign. */
const isMissing = (error: unknown): boolean =>
  nameOf(error) === 'NotFoundError' || nameOf(error) === 'TypeMismatchError';

/** Turns the browser's error into one that names the remedy. */
function explained(call: string, error: unknown): Error {
  const cause = { cause: error };
  const message = `${nameOf(error)}: ${(error as Error).message}`;
  if (nameOf(error) === 'QuotaExceededError') {
    return new CapacityError(
      `${call}: the origin's storage quota is used up (${message}); delete entries, or request more with ` +
        'navigator.storage.persist()',
      cause,
    );
  }
  return new UnsupportedError(
    `${call}: the browser refused the origin private file system (${message}); private windows and third-party frames may ` +
      `not have it: ${instead}`,
    cause,
  );
}
