// `npm run tree`: counts the tracked files and the lines of each package's sources, and lists what the limits of CONTRIBUTING.md
// are about: long files, short files that one other file uses, repeated names.
//   [FOLDER…]   list only files in these folders
import { parseArgs } from 'node:util';
import { runMain } from './lib/log.mjs';
import { measureTree } from './lib/source-tree.mjs';

await runMain((args) => {
  const { positionals } = parseArgs({ args, allowPositionals: true, options: {} });
  const { files, packages, long, lonely, repeated } = measureTree();
  const isAsked = (path) => positionals.length === 0 || positionals.some((f) => path.startsWith(f));
  const header = ['package', 'files', 'sources', 'lines', 'median', 'max', 'largest'];
  const rows = packages.map((row) => [
    row.owner,
    ...[row.files, row.sources, row.lines, row.median, row.max].map(String),
    row.largest ?? '',
  ]);
  console.log(`${files} tracked files\n\n${table([header, ...rows])}`);
  list(
    'Files of more than 400 lines (tests: 450)',
    long.filter(({ path }) => isAsked(path)).map(({ path, lines }) => `${path} (${lines})`),
  );
  list(
    'Files of at most 30 lines that one other file uses',
    lonely
      .filter(({ path }) => isAsked(path))
      .map(({ path, lines, user }) => `${path} (${lines}) <- ${user}`),
  );
  list(
    'Repeated file names',
    repeated
      .filter(({ paths }) => paths.some(isAsked))
      .map(({ name, paths }) => `${name}  ${paths.join('  ')}`),
  );
  return 0;
});

function list(title, lines) {
  console.log(`\n${title}: ${lines.length}`);
  for (const line of lines) console.log(`  ${line}`);
}

function table(rows) {
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  const isNumber = (c) => c > 0 && c < rows[0].length - 1;
  const pad = (cell, c) => (isNumber(c) ? cell.padStart(widths[c]) : cell.padEnd(widths[c]));
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n');
}
