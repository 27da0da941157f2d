import {
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { CapacityError, ValidationError } from '@heed/core';
import { fail, type NamesOf, readOptions, show } from '@heed/core/kernel';
import { checkWhole } from '../pages/whole-numbers.ts';
import { FolderSize } from './fs-size.ts';
import type { KvStore } from './kv-store.ts';
import { fileName, keyOfFile } from './store-key.ts';

const missing = new Set(['ENOENT', 'EISDIR']); // a folder under an entry's name is foreign
const full = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? '';

/** Turns Node's error into one that names the remedy. */
function explained(call: string, folder: string, error: unknown): Error {
  const where = `${call}: ${JSON.stringify(folder)}`;
  const { message } = error as Error;
  return full.has(codeOf(error))
    ? new CapacityError(`${where} is full (${message}); delete entries or free disk space`, {
        cause: error,
      })
    : new ValidationError(
        `${where} must be a folder, present or not, that this process may read and write (${message})`,
        { cause: error },
      );
}

/** Options of `fsStore`. */
export interface FsStoreOptions {
  /**
   * Most bytes of all entries, 1 or more. A put beyond it removes the least recently used entries, the deepest pages of equals
   * first, until nine tenths are left. Calls less than ten seconds apart count as one time of use. Default: no limit.
   */
  readonly maxBytes?: number;
}

export const fsNames: NamesOf<FsStoreOptions> = { maxBytes: 1 };

/**
 * Returns a store in a folder of Node's file system, with a file per key, which is written under a temporary name and then
 * renamed. The first put creates the folder. Processes may share it, and foreign files in it are not touched. The modification
 * time of a file is the time of its last use.
 *
 * @param folder path, absolute or from the process's working directory
 * @throws ValidationError not a path, an unknown option, or a maxBytes that is not a whole number from 1 on; from its functions:
 *   a folder that is a file or that cannot be read or written, or a key that is too long
 * @throws CapacityError from `put`: the disk is full, or the entry alone is larger than maxBytes
 *
 * @example
 * const store = fsStore('pages', { maxBytes: 2 ** 30 });
 * await store.put('greeting', new Uint8Array([104, 105]));
 * for await (const key of store.keys()) console.log(key); // greeting
 */
export function fsStore(folder: string, options?: FsStoreOptions): KvStore {
  if (typeof folder !== 'string' || folder === '') {
    fail('fsStore', 'folder must be a path', show(folder), "Pass one, such as 'pages'.");
  }
  const { maxBytes } = readOptions('fsStore', options, fsNames);
  if (maxBytes !== undefined) checkWhole('fsStore', 'maxBytes', maxBytes, 1);
  const size = maxBytes === undefined ? undefined : new FolderSize(folder, maxBytes);
  const time = burstClock();
  /** Marks a file as used now. A failure is harmless: the file only looks unused. */
  const touch = (path: string): Promise<void> => {
    const seconds = time() / 1000;
    return utimes(path, seconds, seconds).catch(() => {});
  };
  /** Resolves to undefined where the file or folder does not exist. */
  const ifThere = async <T>(fn: string, work: Promise<T>): Promise<T | undefined> => {
    try {
      return await work;
    } catch (error) {
      if (missing.has(codeOf(error))) return undefined;
      throw explained(`fsStore().${fn}`, folder, error);
    }
  };
  let swept: Promise<void> | undefined;
  return {
    async get(key) {
      const path = join(folder, fileName('fsStore().get', key));
      const buffer = await ifThere('get', readFile(path));
      if (!buffer) return undefined;
      await touch(path);
      return new Uint8Array(buffer); // a copy: Node may share a Buffer's memory
    },
    async put(key, bytes) {
      const path = join(folder, fileName('fsStore().put', key));
      const temporary = join(folder, temporaryName());
      if (maxBytes !== undefined && bytes.length > maxBytes) {
        throw new CapacityError(
          `fsStore().put: an entry of ${bytes.length} bytes is larger than maxBytes, ${maxBytes}. Give the store more, or use smaller pages.`,
        );
      }
      try {
        await mkdir(folder, { recursive: true }); // at each put: the folder may have been removed
        await (swept ??= removeStaleFiles(folder));
        await writeFile(temporary, bytes, { flag: 'wx' });
        await touch(temporary);
        await rename(temporary, path);
        await size?.grow(bytes.length);
      } catch (error) {
        swept = undefined;
        await rm(temporary, { force: true }).catch(() => {}); // the first error is reported
        throw explained('fsStore().put', folder, error);
      }
    },
    async delete(key) {
      await ifThere('delete', unlink(join(folder, fileName('fsStore().delete', key))));
    },
    async *keys() {
      const entries = await ifThere('keys', readdir(folder, { withFileTypes: true }));
      for (const entry of entries ?? []) {
        const key = entry.isFile() ? keyOfFile(entry.name) : undefined;
        if (key !== undefined) yield key;
      }
    },
  };
}

const pattern = /^heed-[0-9a-f-]{36}\.tmp$/;

/** No put takes this long: the process that wrote an older file has died. */
const staleAfterMs = 3_600_000;

/** Returns a file name that no other put uses, in any process. */
const temporaryName = (): string => `heed-${crypto.randomUUID()}.tmp`;

/** Removes the files of processes that died during a put. */
async function removeStaleFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!pattern.test(name)) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity })); // renamed meanwhile
    if (Date.now() - mtimeMs > staleAfterMs) await rm(path, { force: true });
  }
}

/** Calls less than this apart count as one time. */
const quietMs = 10_000;
/** A longer series is split: a busy process may never pause. */
const longestMs = 60_000;

/**
 * Returns a clock that gives one time to calls in quick succession. A prefix is read from its first page on: by an exact clock,
 * the first page would look older than the last, and be removed before it.
 */
export function burstClock(now: () => number = Date.now): () => number {
  let [start, last] = [-Infinity, -Infinity];
  return () => {
    const time = now();
    if (time - last > quietMs || time - start > longestMs || time < last) start = time;
    last = time;
    return start;
  };
}
