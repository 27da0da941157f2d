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

/** Node's error in words that name the remedy. */
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

/** How much a folder may hold. */
export interface FsStoreOptions {
  /**
   * Bytes of all entries, 1 or more. A put beyond it removes what was read or put longest ago, of equals the pages with the most
   * others before them, down to nine tenths. Calls that follow each other within ten seconds count as one time. Default: no limit.
   */
  readonly maxBytes?: number;
}

export const fsNames: NamesOf<FsStoreOptions> = { maxBytes: 1 };

/**
 * A store in a folder of Node's file system: a file per key, written beside its place and then renamed. The folder is made at the
 * first put. Processes may share it, and other files in it are left alone. A file's time of modification is that of its last use.
 *
 * @param folder path, absolute or from the process's working directory
 * @throws ValidationError no folder, an option that there is not, or a maxBytes that is no whole number from 1 on; from its functions, when the folder is a
 *   file or not readable or writable, or a key is too long
 * @throws CapacityError from `put`, when the disk is full or the entry alone is larger than maxBytes
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
  /** Marks a file as used now. It may be gone, or not this process's to change: then it only looks unused. */
  const touch = (path: string): Promise<void> => {
    const seconds = time() / 1000;
    return utimes(path, seconds, seconds).catch(() => {});
  };
  /** `undefined` in place of an error that says that there is nothing. */
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
        await mkdir(folder, { recursive: true }); // each time: somebody may have removed it
        await (swept ??= removeStaleFiles(folder));
        await writeFile(temporary, bytes, { flag: 'wx' });
        await touch(temporary);
        await rename(temporary, path);
        await size?.grow(bytes.length);
      } catch (error) {
        swept = undefined;
        await rm(temporary, { force: true }).catch(() => {}); // the first error is the one to tell
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

/** No put takes as long: whoever wrote an older one has died. */
const staleAfterMs = 3_600_000;

/** Of a file that no other put, of this process or another, writes. */
const temporaryName = (): string => `heed-${crypto.randomUUID()}.tmp`;

/** Removes what processes left behind that died during a put. */
async function removeStaleFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!pattern.test(name)) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity })); // renamed meanwhile
    if (Date.now() - mtimeMs > staleAfterMs) await rm(path, { force: true });
  }
}

/** Calls that follow each other within this time belong together. */
const quietMs = 10_000;
/** A busy process never falls quiet. */
const longestMs = 60_000;

/**
 * A clock that gives calls in quick succession one time. A prefix is read page by page, first page first; by an exact clock its
 * first page would look older than its last, and be given up before it.
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
