import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, matchesGlob, posix } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { brokenLinks } from '../docs/site-links.mjs';
import { root } from '../lib/tool.mjs';

const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n');
const documents = tracked.filter(
  (path) => path.endsWith('.md') && !/^\.changeset\/|CHANGELOG\.md$/.test(path),
);

/** A source file, or a folder below one of the repository's own. */
const FILE = /^[\w.*-]+(\/[\w.*-]+)*\.(ts|mjs)$/;
const FOLDER = /^(packages|apps|tools|docs|examples)(\/[\w.*-]+)+$/;

/** Named, but not there: a name that CONTRIBUTING.md advises against, and the built site. */
const ABSENT = new Set(['options.ts', 'tools/docs/dist']);

/** The paths of sources that a document names in code spans, with `*` for any name. */
function pathsIn(text) {
  const prose = text.replaceAll(/^```[^]*?^```/gm, '');
  const words = [...prose.matchAll(/`([^`\n]+)`/g)].flatMap(([, span]) => span.split(/[\s,]+/));
  return words.filter(
    (word) =>
      (FILE.test(word) || FOLDER.test(word)) && !/^\*\.\w+$/.test(word) && !ABSENT.has(word),
  );
}

/** Whether a path names a file or folder, written from the root or from any folder of it. */
function isThere(path) {
  const patterns = [path, `${path}/**`, `**/${path}`, `**/${path}/**`];
  return tracked.some((file) => patterns.some((pattern) => matchesGlob(file, pattern)));
}

test('a path that moved is missed, and patterns find what they name', () => {
  expect(pathsIn('`tools/test.mjs`, `a/gone.ts`, `*.ts`, `npm run x -- y.ts`')).toEqual([
    'tools/test.mjs',
    'a/gone.ts',
    'y.ts',
  ]);
  expect(['tools/test.mjs', 'test.mjs', 'tools/lib', 'lib/*.mjs'].filter(isThere)).toHaveLength(4);
  expect(['a/gone.ts', 'tools/gone', 'est.mjs'].filter(isThere)).toEqual([]);
});

/** Relative links of a document to files. */
function linksIn(text) {
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target);
  return links.filter((target) => !/^[a-z]+:/.test(target));
}

test.each(documents)('links of %s lead to files', (document) => {
  const text = readFileSync(join(root, document), 'utf8').replaceAll(/^```[^]*?^```/gm, '');
  const targets = linksIn(text).map((target) => [
    target,
    posix.join(posix.dirname(document), target),
  ]);
  const missing = targets.filter(([, path]) => !existsSync(join(root, path)));
  expect(missing.map(([target]) => target)).toEqual([]);
});

test.each(documents)('files and folders that %s names exist', (document) => {
  const text = readFileSync(join(root, document), 'utf8');
  expect(pathsIn(text).filter((path) => !isThere(path))).toEqual([]);
});

test('a link of the site that leads to no page, or to no place in it, is found', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-links-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const links = [
    'b.html',
    'b.html#there',
    '#here',
    'https://example.com/x',
    'c.html',
    'b.html#gone',
  ];
  const anchors = links.map((link) => `<a class="x" href="${link}">x</a>`).join('');
  writeFileSync(join(folder, 'a.html'), `<p id="here">${anchors}<img src="missing.png">`);
  writeFileSync(join(folder, 'b.html'), '<p id="there">');
  expect(await brokenLinks(folder)).toEqual([
    'a.html: c.html leads nowhere',
    'a.html: b.html#gone leads nowhere',
    'a.html: missing.png leads nowhere',
  ]);
});
