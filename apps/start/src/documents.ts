import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A text file of the repository. */
export interface Document {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const skippedFolders: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage']);
const extensions = ['.md', '.ts'] as const;

/** Every *.md and *.ts file under a folder in the order of their paths, installed and generated ones left out. */
export async function readDocuments(root: string): Promise<Document[]> {
  const paths = (await walk(root, '')).toSorted();
  return Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })),
  );
}

async function walk(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true });
  const found = entries.map(async (entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory()) return isSkipped(entry.name) ? [] : walk(root, path);
    return entry.isFile() && extensions.some((extension) => entry.name.endsWith(extension))
      ? [path]
      : [];
  });
  return (await Promise.all(found)).flat();
}

function isSkipped(folder: string): boolean {
  return folder.startsWith('.') || skippedFolders.has(folder);
}
