import { ValidationError } from '@heed/core';

/**
 * The files of a checkpoint by name; undefined for one that is not there. A `Blob` is not read until its slices are: Node's
 * `openAsBlob`, or the `File` of a folder that a visitor opened.
 */
export type CheckpointFolder = (name: string) => Promise<Blob | undefined>;

/**
 * Reads a JSON file.
 * @throws ValidationError it is not JSON
 */
export async function optionalJson(folder: CheckpointFolder, name: string): Promise<unknown> {
  const file = await folder(name);
  if (!file) return undefined;
  try {
    return JSON.parse(await file.text()) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ValidationError(`${name}: it must be JSON; ${reason}. Download it again.`);
  }
}

/** @throws ValidationError the file is not there, or not JSON */
export async function requiredJson(folder: CheckpointFolder, name: string): Promise<unknown> {
  const json = await optionalJson(folder, name);
  if (json !== undefined) return json;
  throw new ValidationError(
    `${name} must be in the folder of the checkpoint. Download all files of the model.`,
  );
}
