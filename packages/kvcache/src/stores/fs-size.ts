import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { keyOfFile, parseKey } from './store-key.ts';

/** An entry's file. */
interface EntryFile {
  readonly path: string;
  readonly bytes: number;
  /** When it was last put or read, in milliseconds. */
  readonly usedAt: number;
  /** Full pages before it. A prefix can best spare its deepest page. */
  readonly depth: number;
}

/** Files that are examined at once; the operating system limits open files. */
const together = 256;
/** Share of the limit that may be put before the next listing. Other processes may put as much. */
const listingShare = 0.1;
/** Share of the limit that a removal leaves, so that not every put lists the folder. */
const keptShare = 0.9;

/**
 * Keeps a folder within a number of bytes. Removes the least recently used entries, the deepest of equals first. Processes that
 * share the folder may each do so; together they exceed the limit by at most a tenth per process.
 */
export class FolderSize {
  readonly #folder: string;
  readonly #maxBytes: number;
  /** Bytes that may be put before the folder has to be listed. */
  #allowance = 0;
  #pruning: Promise<void> = Promise.resolve();

  constructor(folder: string, maxBytes: number) {
    this.#folder = folder;
    this.#maxBytes = maxBytes;
  }

  /** Counts bytes that were put, and removes entries until the folder is within its limit. */
  async grow(bytes: number): Promise<void> {
    this.#allowance -= bytes;
    const before = this.#pruning;
    // One listing at a time: two would each remove the excess.
    this.#pruning = (async () => {
      await before.catch(() => {});
      if (this.#allowance < 0) await this.#prune();
    })();
    await this.#pruning;
  }

  async #prune(): Promise<void> {
    // What is put from here on may not be in the list.
    this.#allowance = 0;
    const files = await entryFiles(this.#folder);
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    if (bytes > this.#maxBytes) {
      files.sort((a, b) => a.usedAt - b.usedAt || b.depth - a.depth);
      for (const file of files) {
        if (bytes <= keptShare * this.#maxBytes) break;
        await rm(file.path, { force: true });
        bytes -= file.bytes;
      }
    }
    this.#allowance += Math.min(this.#maxBytes - bytes, listingShare * this.#maxBytes);
  }
}

async function entryFiles(folder: string): Promise<EntryFile[]> {
  const all = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []; // removed since the put
    throw error;
  });
  const names = all.filter((name) => keyOfFile(name) !== undefined);
  const files: EntryFile[] = [];
  for (let at = 0; at < names.length; at += together) {
    const some = await Promise.all(
      names.slice(at, at + together).map(async (name) => {
        const path = join(folder, name);
        const facts = await stat(path).catch(() => undefined); // another process has removed it
        if (!facts?.isFile()) return undefined;
        const depth = parseKey(keyOfFile(name)!)?.depth ?? 0;
        return { path, bytes: facts.size, usedAt: facts.mtimeMs, depth };
      }),
    );
    for (const file of some) if (file) files.push(file);
  }
  return files;
}
