import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readDocuments } from '../../src/documents.ts';

let root = '';
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'heed-documents-'));
});
afterEach(() => rm(root, { recursive: true }));

async function write(...paths: string[]): Promise<void> {
  for (const path of paths) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), `text of ${path}`);
  }
}

test('reads markdown and TypeScript in the order of their paths', async () => {
  await write('b/two.ts', 'a/one.md', 'README.md', 'a/deep/er/three.ts');
  const documents = await readDocuments(root);
  expect(documents.map(({ path }) => path)).toEqual([
    'README.md',
    'a/deep/er/three.ts',
    'a/one.md',
    'b/two.ts',
  ]);
  expect(documents[1]?.text).toBe('text of a/deep/er/three.ts');
});

test('leaves out other files, installed packages, builds and hidden folders', async () => {
  await write(
    'package.json',
    'a.tsx',
    'node_modules/x/index.ts',
    'p/node_modules/y/README.md',
    'p/dist/z.ts',
    '.git/notes.md',
  );
  expect(await readDocuments(root)).toEqual([]);
});
