import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Sources that guides link to: servers take `.ts` for video, and as text a browser shows them. */
export async function sourcesAsText(folder) {
  const media = join(folder, 'media');
  for (const name of await readdir(media)) {
    if (name.endsWith('.ts')) await rename(join(media, name), join(media, `${name}.txt`));
  }
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith('.html')) continue;
    const path = join(folder, name);
    const html = await readFile(path, 'utf8');
    const shown = html.replaceAll(/(href="[^"]*media\/[^"]*\.ts)"/g, '$1.txt"');
    if (shown !== html) await writeFile(path, shown);
  }
}
