import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));

/** Everything that the tools download or record; not in git. */
export const cache = join(root, '.cache');
