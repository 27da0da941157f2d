import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { permutation, random } from '@heed/conformance/reference';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';

/** A text file of the repository. */
interface Document {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

const skippedFolders: ReadonlySet<string> = new Set(['node_modules', 'dist', 'coverage']);
const extensions = ['.md', '.ts'] as const;

/** Reads every *.md and *.ts file under a folder, ordered by path, without installed and generated files. */
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

/** A document as token ids. */
export interface TokenizedDocument {
  readonly path: string;
  readonly tokens: Int32Array;
}

/** The byte-pair vocabulary in use: OpenAI's o200k_base, which the package carries. */
export const tokenizerName = 'o200k_base';

/** Tokenises a document. Text that looks like a control token stays text, since a document may be about tokenizers. */
export function tokenize({ path, text }: Document): TokenizedDocument {
  return {
    path,
    tokens: Int32Array.from(
      encode(text, { allowedSpecial: new Set(), disallowedSpecial: new Set() }),
    ),
  };
}

/** Concatenated documents: document b owns tokens cuSeqlens[b] … cuSeqlens[b + 1] − 1. */
export interface Pack {
  readonly paths: readonly string[];
  /** [T] */
  readonly tokens: Int32Array;
  /** [N + 1] */
  readonly cuSeqlens: Int32Array;
  readonly maxSeqlen: number;
}

/** Limits of a pack, in tokens. */
interface PackOptions {
  readonly maxTokens: number;
  /** Longer documents are cut to this length, as by a model with that context. */
  readonly maxSeqlen: number;
  readonly seed?: number;
}

/**
 * Packs documents in a seeded random order until the next token would exceed `maxTokens`; the last one is cut to fit. Empty
 * documents are left out.
 * @throws Error if no tokens are left
 */
export function packDocuments(documents: readonly TokenizedDocument[], options: PackOptions): Pack {
  const { maxTokens, maxSeqlen, seed = 1 } = options;
  const chosen: TokenizedDocument[] = [];
  let total = 0;
  for (const index of permutation(documents.length, random(seed))) {
    const { path, tokens } = documents[index] as TokenizedDocument;
    const length = Math.min(tokens.length, maxSeqlen, maxTokens - total);
    if (length === 0) continue;
    chosen.push({ path, tokens: tokens.subarray(0, length) });
    total += length;
  }
  if (total === 0)
    throw new Error(
      `packDocuments: found no tokens in ${documents.length} documents. Run it in a checkout with *.md or *.ts files.`,
    );
  return concatenate(chosen, total);
}

/** Returns the length of each document of a pack. */
export function lengthsOf({ cuSeqlens }: Pick<Pack, 'cuSeqlens'>): Int32Array {
  return cuSeqlens.subarray(1).map((end, b) => end - (cuSeqlens[b] as number));
}

/** Returns the rows of a padded batch of the same documents: documents × longest. */
export function paddedTokens({ paths, maxSeqlen }: Pick<Pack, 'paths' | 'maxSeqlen'>): number {
  return paths.length * maxSeqlen;
}

function concatenate(documents: readonly TokenizedDocument[], total: number): Pack {
  const tokens = new Int32Array(total);
  const cuSeqlens = new Int32Array(documents.length + 1);
  for (const [b, document] of documents.entries()) {
    const start = cuSeqlens[b] as number;
    tokens.set(document.tokens, start);
    cuSeqlens[b + 1] = start + document.tokens.length;
  }
  return {
    paths: documents.map(({ path }) => path),
    tokens,
    cuSeqlens,
    maxSeqlen: Math.max(...documents.map((document) => document.tokens.length)),
  };
}
