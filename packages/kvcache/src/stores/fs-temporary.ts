import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

const pattern = /^heed-[0-9a-f-]{36}\.tmp$/;

/** No put takes as long: whoever wrote an older one has died. */
const staleAfterMs = 3_600_000;

/** Of a file that no other put, of this process or another, writes. */
export const temporaryName = (): string => `heed-${crypto.randomUUID()}.tmp`;

/** Removes what processes left behind that died during a put. */
export async function removeStaleFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!pattern.test(name)) continue;
    const path = join(folder, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity })); // renamed meanwhile
    if (Date.now() - mtimeMs > staleAfterMs) await rm(path, { force: true });
  }
}
