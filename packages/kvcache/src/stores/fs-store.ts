import { mkdir, readFile, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CapacityError, ValidationError } from '@heed/core';
import { fileName, keyOfFile } from './file-name.ts';
import { removeStaleFiles, temporaryName } from './fs-temporary.ts';
import type { KvStore } from './store.ts';

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

/**
 * A store in a folder of Node's file system: a file per key, written beside its place and then renamed. The folder is made at the
 * first put. Processes may share it, and other files in it are left alone.
 *
 * @param folder path, absolute or from the process's working directory
 * @throws ValidationError from its functions, when the folder is a file or not readable or writable, or a key is too long;
 *   CapacityError from `put`, when the disk is full
 *
 * @example
 * const store = fsStore('pages');
 * await store.put('greeting', new Uint8Array([104, 105]));
 * for await (const key of store.keys()) console.log(key); // greeting
 */
export function fsStore(folder: string): KvStore {
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
      const buffer = await ifThere('get', readFile(join(folder, fileName('fsStore().get', key))));
      return buffer && new Uint8Array(buffer); // a copy: Node may share a Buffer's memory
    },
    async put(key, bytes) {
      const path = join(folder, fileName('fsStore().put', key));
      const temporary = join(folder, temporaryName());
      try {
        await mkdir(folder, { recursive: true }); // each time: somebody may have removed it
        await (swept ??= removeStaleFiles(folder));
        await writeFile(temporary, bytes, { flag: 'wx' });
        await rename(temporary, path);
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
