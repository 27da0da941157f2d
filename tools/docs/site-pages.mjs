import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MinimalSourceFile, normalizePath, ReflectionKind } from 'typedoc';
import { publicPackages } from '../lib/packages.mjs';
import { root } from '../lib/tool.mjs';

/** Every Markdown file that the README or a guide sends its reader to. */
export const guides = [
  'docs/*.md',
  'CONTRIBUTING.md',
  'apps/demo/README.md',
  'packages/bench/README.md',
  'examples/README.md',
].map((path) => join(root, path));

/** The order in which a reader meets the packages. */
const ORDER = ['core', 'kernels-wgsl', 'flex', 'kvcache', 'conformance', 'tfjs', 'onnx'];

/** What users can import: for each entry of each public package its name, its source, and for the main one its package's folder. */
export async function publicEntries() {
  const packages = await publicPackages();
  const ordered = packages.toSorted(
    (a, b) => ORDER.indexOf(a.directory) - ORDER.indexOf(b.directory),
  );
  return ordered.flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports)
      .filter(([subpath]) => subpath !== './package.json')
      .map(([subpath, target]) => ({
        name: manifest.name + subpath.slice(1),
        source: join(folder, target['@heed/source']),
        folder: subpath === '.' ? folder : undefined,
      })),
  );
}

/** A guide is called what its heading says, not what its file is called. */
export function nameGuide(document) {
  const heading = document.content
    .map(({ text }) => text)
    .join('')
    .match(/^# (.*)$/m);
  if (heading) document.name = heading[1].replaceAll('`', '');
  picturesAsText(document.content);
}

/** What stands between fences that name no language is no TypeScript. */
function picturesAsText(content) {
  for (const part of content) {
    if (part.kind === 'code') part.text = part.text.replace(/^```\n/, '```text\n');
  }
}

/**
 * Puts each package's README on the page of its main entry, and makes links to the folders of packages and guides lead to
 * their pages, as they do where the files are read in the repository.
 */
export function attachReadmes(app, project, entries) {
  for (const { name, folder } of entries.filter((entry) => entry.folder)) {
    const page = project.getChildByName([name]);
    const path = normalizePath(join(folder, 'README.md'));
    // The page has a heading of its own.
    const text = readFileSync(path, 'utf8').replace(/^# .*\n/, '');
    const file = new MinimalSourceFile(text, path);
    page.readme = app.converter.parseRawComment(file, project.files).content;
    picturesAsText(page.readme);
    for (const alias of [path, normalizePath(folder)]) {
      project.files.registerReflectionPath(alias, page);
    }
  }
  for (const guide of project.getReflectionsByKind(ReflectionKind.Document)) {
    const path = project.files.getReflectionPath(guide);
    if (path?.endsWith('/README.md') && dirname(path) !== root) {
      project.files.registerReflectionPath(normalizePath(dirname(path)), guide);
    }
  }
}
