import { openAsBlob } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ValidationError } from '@heed/core';
import type { CheckpointFolder } from './checkpoint-folder.ts';

/**
 * Returns the files of a folder on this machine, for Node. A file is not read until its slices are.
 * Its calls reject with a ValidationError where there is no such folder.
 */
export function nodeFolder(path: string): CheckpointFolder {
  return async (name) => {
    const file = join(path, name);
    if (await stat(file).catch(() => undefined)) return openAsBlob(file);
    if ((await stat(path).catch(() => undefined))?.isDirectory()) return undefined;
    throw new ValidationError(
      `nodeFolder: path must be a folder with the files of a checkpoint; got '${path}', which is no folder. Change it.`,
    );
  };
}
