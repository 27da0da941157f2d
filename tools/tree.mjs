// `npm run tree`: counts the tracked files and the lines of each package's sources, and lists what the limits of CONTRIBUTING.md
// are about: long files, short files with one user, generic and repeated names.
//   [FOLDER…]   list only files in these folders
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, posix } from 'node:path';
import { parseArgs } from 'node:util';
import { isMain, root, runMain, tableText } from './lib/tool.mjs';

/** A file of at most this many lines is short. */
const SHORT = 30;

/** Beyond this many lines a file holds more than one noun. */
const LONG = { source: 400, test: 450 };

/** Names that tools or conventions require. */
const CONVENTIONAL =
  /^(index\.(ts|html|css)|main\.ts|.*\.config\.ts|env\.d\.ts|usage\.txt|package\.json|tsconfig(\..+)?\.json|[A-Z]+\.md)$/;

/** Names that say nothing without their folder. */
const GENERIC =
  /^(backward|check|cli|common|config|data|helpers?|lengths|misc|node|options|pages|problem|run|shared|state|table|types|utils?|values|view)\.ts$/;

/** Returns every tracked file that exists: path from the root, package, and whether it is a source. */
function trackedFiles() {
  const { stdout } = spawnSync('git', ['-c', 'safe.directory=*', 'ls-files', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  return stdout
    .split('\0')
    .filter((path) => path !== '' && existsSync(join(root, path)))
    .map((path) => ({ path, owner: ownerOf(path), isSource: isSource(path) }));
}

/** Returns the package, or the top folder, of a file. */
function ownerOf(path) {
  const [top, name, ...rest] = path.split('/');
  if (name === undefined) return '.';
  return ['packages', 'apps'].includes(top) && rest.length > 0 ? `${top}/${name}` : top;
}

/** Whether a file is program text and no test: `src` of a package or an app, and the tools. */
function isSource(path) {
  if (!/\.(ts|mjs)$/.test(path) || path.endsWith('.d.ts')) return false;
  return /^(packages|apps)\/[^/]+\/src\//.test(path) || /^tools\/(?!test\/)/.test(path);
}

/**
 * Measures the tree: a row per package, long files, short sources that only one file of their folder imports, generic names, and
 * names that several files of one package share or that sources of several packages share.
 */
export function measureTree(files = trackedFiles()) {
  const sources = files.filter((file) => file.isSource).map((file) => ({ ...file, ...read(file) }));
  return {
    files: files.length,
    packages: [...groupBy(files, ({ owner }) => owner)].map(([owner, all]) => {
      const own = sources.filter((file) => file.owner === owner);
      return { owner, files: all.length, ...sizes(own) };
    }),
    long: longFiles(files),
    lonely: lonelyFiles(files),
    generic: sources.filter(({ path }) => isGeneric(path)).map(({ path }) => path),
    repeated: repeatedNames(files),
  };
}

function read({ path }) {
  const text = readFileSync(join(root, path), 'utf8');
  return { text, lines: text.split('\n').length - 1 };
}

function sizes(sources) {
  const lines = sources.map((file) => file.lines).toSorted((a, b) => a - b);
  const largest = sources.find((file) => file.lines === lines.at(-1))?.path;
  return {
    sources: lines.length,
    lines: lines.reduce((sum, n) => sum + n, 0),
    median: lines[lines.length >> 1] ?? 0,
    max: lines.at(-1) ?? 0,
    largest,
  };
}

function longFiles(files) {
  return files
    .filter(isModule)
    .map((file) => ({ ...file, ...read(file) }))
    .filter(({ isSource: source, lines }) => lines > (source ? LONG.source : LONG.test))
    .map(({ path, lines }) => ({ path, lines }));
}

/** Returns short sources that one file of their folder uses, and no other file. The entries of a package may use any. */
function lonelyFiles(files) {
  const modules = files.filter(isModule).map((file) => ({ ...file, ...read(file) }));
  const entries = new Set(modules.map(({ owner }) => owner).flatMap(entriesOf));
  const users = new Map(modules.map(({ path }) => [path, new Set()]));
  for (const { path, text } of modules)
    for (const target of importsOf(path, text)) users.get(target)?.add(path);
  return modules
    .filter(({ path, lines, isSource: source }) => source && lines <= SHORT && !entries.has(path))
    .map(({ path, lines }) => ({ path, lines, user: [...users.get(path)].join() }))
    .filter(({ path, user }) => dirname(user) === dirname(path) && !entries.has(user));
}

const isModule = ({ path }) => /\.(ts|mjs)$/.test(path) && !/\/api\/[^/]+\.d\.ts$/.test(path);

/** Returns the sources that a package's manifest exports. */
function entriesOf(owner) {
  const path = join(root, owner, 'package.json');
  if (!existsSync(path)) return [];
  const { exports = {} } = JSON.parse(readFileSync(path, 'utf8'));
  return Object.values(exports).map((target) =>
    posix.join(owner, target['@heed/source'] ?? target.default ?? target),
  );
}

/** Returns the files that a module imports by relative paths, types included. */
function importsOf(path, text) {
  const specifiers = text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g);
  return [...specifiers].map(([, specifier]) => posix.join(dirname(path), specifier));
}

/**
 * Returns names that several files of a package share, and names that sources of several packages share; the latter may stay.
 * Examples of documents have the names that the documents show.
 */
function repeatedNames(files) {
  const named = files.filter(
    (file) =>
      isModule(file) && !isConventional(file.path) && !file.path.includes('/test/examples/'),
  );
  const within = groupBy(named, ({ owner, path }) => `${owner}: ${basename(path)}`);
  const across = groupBy(
    named.filter((file) => file.isSource),
    ({ path }) => basename(path),
  );
  const several = [...across].filter(([, all]) => new Set(all.map(({ owner }) => owner)).size > 1);
  const listOf = (groups) =>
    groups
      .filter(([, all]) => all.length > 1)
      .map(([name, all]) => ({ name, paths: all.map(({ path }) => path) }));
  return { within: listOf([...within]), across: listOf(several) };
}

const isConventional = (path) => CONVENTIONAL.test(basename(path));

/** An entry that a manifest exports is named after its subpath. */
const isGeneric = (path) =>
  GENERIC.test(basename(path)) && !entriesOf(packageOf(path)).includes(path);

const packageOf = (path) => path.split('/').slice(0, 2).join('/');

function groupBy(list, key) {
  const groups = new Map();
  for (const one of list) groups.set(key(one), [...(groups.get(key(one)) ?? []), one]);
  return groups;
}

function printList(title, lines) {
  console.log(`\n${title}: ${lines.length}`);
  for (const line of lines) console.log(`  ${line}`);
}

function main(args) {
  const { positionals } = parseArgs({ args, allowPositionals: true, options: {} });
  const { files, packages, long, lonely, generic, repeated } = measureTree();
  const isAsked = (path) => positionals.length === 0 || positionals.some((f) => path.startsWith(f));
  const header = ['package', 'files', 'sources', 'lines', 'median', 'max', 'largest'];
  const isNumber = (column) => column > 0 && column < header.length - 1;
  const rows = packages.map((row) => [
    row.owner,
    ...[row.files, row.sources, row.lines, row.median, row.max].map(String),
    row.largest ?? '',
  ]);
  console.log(`${files} tracked files\n\n${tableText([header, ...rows], isNumber)}`);
  printList(
    'Files of more than 400 lines (tests: 450)',
    long.filter(({ path }) => isAsked(path)).map(({ path, lines }) => `${path} (${lines})`),
  );
  printList(
    'Files of at most 30 lines that one file of their folder uses',
    lonely
      .filter(({ path }) => isAsked(path))
      .map(({ path, lines, user }) => `${path} (${lines}) <- ${user}`),
  );
  printList('Generic file names', generic.filter(isAsked));
  printList(
    'Repeated file names',
    [...repeated.within, ...repeated.across]
      .filter(({ paths }) => paths.some(isAsked))
      .map(({ name, paths }) => `${name}  ${paths.join('  ')}`),
  );
  return 0;
}

if (isMain(import.meta)) await runMain(main);
