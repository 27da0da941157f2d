import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RandomCheckpoint } from './random-checkpoint.ts';
import { tokenizerFiles } from './small-tokenizer.ts';

/** Writes a checkpoint and the small tokenizer into a new folder, as a model is published; resolves to its path. */
export async function publishedFolder({ names, folder }: RandomCheckpoint): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'heed-model-'));
  for (const name of names) {
    const file = (await folder(name))!;
    await writeFile(join(path, name), new Uint8Array(await file.arrayBuffer()));
  }
  for (const [name, json] of Object.entries(tokenizerFiles)) {
    await writeFile(join(path, name), JSON.stringify(json));
  }
  return path;
}
