import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { MinimalSourceFile, normalizePath, ReflectionKind } from 'typedoc';
import { root } from '../lib/paths.mjs';

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
