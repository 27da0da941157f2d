import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { root } from './paths.mjs';

/** The packages that users can install: folder, manifest, and the path and text that the manifest has here. */
export async function publicPackages() {
  const directories = await readdir(join(root, 'packages'));
  const packages = await Promise.all(directories.map(readPackage));
  return packages.filter(({ manifest }) => !manifest.private);
}

async function readPackage(directory) {
  const folder = join(root, 'packages', directory);
  const path = join(folder, 'package.json');
  const text = await readFile(path, 'utf8');
  return { directory, folder, path, text, manifest: JSON.parse(text) };
}
