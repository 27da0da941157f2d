import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MinimalSourceFile, normalizePath, ReflectionKind } from 'typedoc';
import { publicPackages } from '../lib/packages.mjs';
import { root } from '../lib/tool.mjs';

/** The Markdown files that the README or a guide links to. */
export const guides = [
  'docs/*.md',
  'CONTRIBUTING.md',
  'apps/demo/README.md',
  'packages/bench/README.md',
  'examples/README.md',
  'examples/{llm,server,cell}/README.md',
].map((path) => join(root, path));

/** The order of the packages on the site. */
const ORDER = [
  'core',
  'kernels-wgsl',
  'flex',
  'kvcache',
  'router',
  'valkey',
  'conformance',
  'tfjs',
  'onnx',
];

/** Returns the entries that users can import: name, source and, for the main entry of a package, the package's folder. */
export async function publicEntries() {
  const packages = await publicPackages();
  const ordered = packages.toSorted(
    (a, b) => ORDER.indexOf(a.directory) - ORDER.indexOf(b.directory),
  );
  return ordered.flatMap(({ folder, manifest }) =>
    Object.entries(manifest.exports)
      // An entry for this repository only has no build.
      .filter(([subpath, target]) => subpath !== './package.json' && target.default)
      .map(([subpath, target]) => ({
        name: manifest.name + subpath.slice(1),
        source: join(folder, target['@heed/source']),
        folder: subpath === '.' ? folder : undefined,
      })),
  );
}

/** Names a guide after its heading, not after its file. */
export function nameGuide(document) {
  const heading = document.content
    .map(({ text }) => text)
    .join('')
    .match(/^# (.*)$/m);
  if (heading) document.name = heading[1].replaceAll('`', '');
  picturesAsText(document.content);
}

/** Marks code blocks without a language as text; typedoc takes them for TypeScript. */
function picturesAsText(content) {
  for (const part of content) {
    if (part.kind === 'code') part.text = part.text.replace(/^```\n/, '```text\n');
  }
}

/**
 * Puts each package's README on the page of its main entry, and resolves links to folders of packages and guides to their pages.
 */
export function attachReadmes(app, project, entries) {
  for (const { name, folder } of entries.filter((entry) => entry.folder)) {
    const page = project.getChildByName([name]);
    const path = normalizePath(join(folder, 'README.md'));
    // The page already has a heading.
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
