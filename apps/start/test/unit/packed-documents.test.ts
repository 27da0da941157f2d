import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { decode } from 'gpt-tokenizer/encoding/o200k_base';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  lengthsOf,
  packDocuments,
  paddedTokens,
  readDocuments,
  tokenize,
  type TokenizedDocument,
} from '../../src/packed-documents.ts';

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

test('tokens decode to the text they came from, and are fewer than its characters', () => {
  const text = 'const scale = 1 / Math.sqrt(headDim); // naïve, −∞ …\n';
  const { path, tokens } = tokenize({ path: 'a.ts', text });
  expect(path).toBe('a.ts');
  expect(decode(tokens)).toBe(text);
  expect(tokens.length).toBeLessThan(text.length / 2);
});

test('text that looks like a control token stays text', () => {
  const text = 'ends with <|endoftext|>';
  const { tokens } = tokenize({ path: 'a.md', text });
  expect(decode(tokens)).toBe(text);
  expect(tokens.length).toBeGreaterThan(4);
});

test('an empty document has no tokens', () => {
  expect(tokenize({ path: 'a.md', text: '' }).tokens).toHaveLength(0);
});

/** Returns documents whose tokens are 1000 · index + position. */
const documents = (...lengths: number[]): TokenizedDocument[] =>
  lengths.map((length, d) => ({
    path: `${d}`,
    tokens: Int32Array.from({ length }, (_, i) => 1000 * d + i),
  }));

describe('packDocuments', () => {
  test('puts whole documents end to end', () => {
    const pack = packDocuments(documents(3, 5, 2), { maxTokens: 100, maxSeqlen: 100 });
    expect(pack.tokens).toHaveLength(10);
    expect(pack.cuSeqlens).toHaveLength(4);
    expect(pack.maxSeqlen).toBe(5);
    for (const [b, path] of pack.paths.entries()) {
      const own = pack.tokens.subarray(pack.cuSeqlens[b], pack.cuSeqlens[b + 1]);
      expect([...own]).toEqual([...(documents(3, 5, 2)[Number(path)] as TokenizedDocument).tokens]);
    }
  });

  test('cuts documents at maxSeqlen and the last one at maxTokens', () => {
    const pack = packDocuments(documents(9, 9, 9), { maxTokens: 10, maxSeqlen: 4 });
    expect([...lengthsOf(pack)]).toEqual([4, 4, 2]);
    expect(pack.tokens).toHaveLength(10);
    for (const start of pack.cuSeqlens.subarray(0, 3))
      expect((pack.tokens[start] as number) % 1000).toBe(0);
  });

  test('stops at maxTokens exactly, without an empty document after it', () => {
    const pack = packDocuments(documents(4, 4, 4), { maxTokens: 8, maxSeqlen: 4 });
    expect([...pack.cuSeqlens]).toEqual([0, 4, 8]);
    expect(pack.paths).toHaveLength(2);
  });

  test('leaves empty documents out', () => {
    const pack = packDocuments(documents(0, 3, 0), { maxTokens: 100, maxSeqlen: 100 });
    expect(pack.paths).toEqual(['1']);
  });

  test('draws the same documents for the same seed, others for another', () => {
    const many = documents(...Array.from({ length: 40 }, (_, i) => i + 1));
    const draw = (seed: number): string =>
      packDocuments(many, { maxTokens: 60, maxSeqlen: 50, seed }).paths.join();
    expect(draw(1)).toBe(draw(1));
    expect(new Set([1, 2, 3].map(draw)).size).toBeGreaterThan(1);
  });

  test('says what is missing when there is nothing to pack', () => {
    expect(() => packDocuments(documents(0), { maxTokens: 9, maxSeqlen: 9 })).toThrow(
      /no tokens in 1 documents/,
    );
  });
});

test('a padded batch holds documents × longest', () => {
  const pack = packDocuments(documents(3, 5, 2), { maxTokens: 100, maxSeqlen: 100 });
  expect(paddedTokens(pack)).toBe(15);
});
