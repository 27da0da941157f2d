import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';

/** Returns the links of a site whose page, file or anchor does not exist. */
export async function brokenLinks(folder) {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const pages = new Map(
    await Promise.all(
      files.map(async (path) => [path, path.endsWith('.html') ? await readFile(path, 'utf8') : '']),
    ),
  );
  return [...pages].flatMap(([path, html]) =>
    targetsOf(html)
      .filter((target) => !leadsSomewhere(pages, path, target))
      .map((target) => `${relative(folder, path).split(sep).join('/')}: ${target} leads nowhere`),
  );
}

/** Returns the targets of a page's links and images, without those on other sites. */
function targetsOf(html) {
  const attributes = html.matchAll(
    /<(?:a|img|source|link|script)\b[^>]*?\s(?:href|src|srcset)="([^"]*)"/g,
  );
  const targets = new Set([...attributes].map((match) => match[1].replaceAll('&amp;', '&')));
  return [...targets].filter((target) => !/^[a-z]+:/.test(target));
}

function leadsSomewhere(pages, from, target) {
  const [path, anchor] = target.split('#').map(decodeURIComponent);
  const to = path === '' ? from : resolve(from, '..', path);
  const html = pages.get(to);
  if (html === undefined) return false;
  return !anchor || !to.endsWith('.html') || html.includes(`id="${anchor}"`);
}

/** Renames sources that guides link to: servers send `.ts` as video, and `.ts.txt` as text that a browser shows. */
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
