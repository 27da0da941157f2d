import { openAsBlob } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckpointFolder } from './checkpoint-folder.ts';

/** Returns the files of a folder on this machine, for Node. A file is not read until its slices are. */
export function nodeFolder(path: string): CheckpointFolder {
  return async (name) => {
    const file = join(path, name);
    const exists = await access(file).then(
      () => true,
      () => false,
    );
    return exists ? openAsBlob(file) : undefined;
  };
}
