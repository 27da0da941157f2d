// Compares the public declarations of the package in the current folder, as built, with its api/*.d.ts.
//   --update   writes them instead
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'tsdown';
import { extractDts } from 'tsnapi';
import { isMain, runMain } from './lib/tool.mjs';

/** How many steps references are followed to types that an entry does not export: all. */
const DEPTH = Number.MAX_SAFE_INTEGER;

/** Writes the `api/*.d.ts` of a package. */
export async function writeApi(cwd) {
  const folder = join(cwd, 'api');
  const built = await apiSnapshots(cwd);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, text] of built) writeFileSync(join(folder, name), text);
}

/** Returns, per `api/*.d.ts` that differs from the built declarations, the lines that only one of the two has. */
export async function apiChanges(cwd) {
  const folder = join(cwd, 'api');
  const built = await apiSnapshots(cwd);
  const written = new Map(
    (existsSync(folder) ? readdirSync(folder) : []).map((name) => [
      name,
      readFileSync(join(folder, name), 'utf8'),
    ]),
  );
  return [...new Set([...built.keys(), ...written.keys()])]
    .filter((name) => built.get(name) !== written.get(name))
    .map((name) => `api/${name}\n${difference(written.get(name), built.get(name))}`);
}

function difference(written = '', built = '') {
  const [before, after] = [written, built].map((text) => text.split('\n'));
  const gone = before.filter((line) => !after.includes(line)).map((line) => `- ${line}`);
  const come = after.filter((line) => !before.includes(line)).map((line) => `+ ${line}`);
  return [...gone, ...come].join('\n');
}

/**
 * The public declarations of a package as built in its `dist`: file name → text, one per entry, sorted, without comments. Each
 * entry is first rolled up into one file, because entries of a package share chunks of declarations.
 */
async function apiSnapshots(cwd) {
  const { name, exports } = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
  // An entry for this repository only has no build.
  const subpaths = Object.keys(exports).filter((subpath) => exports[subpath].default);
  const snapshots = new Map();
  for (const subpath of subpaths) {
    const entry = exports[subpath].default.replace(/\.js$/, '.d.ts');
    const text = await extractDts('entry.d.ts', await rolledUp(cwd, entry), {
      omitArgumentNames: false,
      referenceTracingDepth: DEPTH,
    });
    const header = `/** The public declarations of \`${name}${subpath.slice(1)}\`, by tools/api.mjs. */\n`;
    snapshots.set(`${subpath.slice(2) || 'index'}.d.ts`, `${header}${text.trim()}\n`);
  }
  return snapshots;
}

/** The declarations of an entry, with those that it imports from other files of its package. */
async function rolledUp(cwd, entry) {
  const outDir = await mkdtemp(join(tmpdir(), 'heed-api-'));
  try {
    await build({
      config: false,
      cwd,
      entry: { entry },
      outDir,
      platform: 'neutral',
      dts: { emitDtsOnly: true, dtsInput: true, generator: 'oxc' },
      deps: { neverBundle: [/^[^./]/] },
      logLevel: 'error',
    });
    return await readFile(join(outDir, 'entry.d.ts'), 'utf8');
  } finally {
    await rm(outDir, { recursive: true });
  }
}

async function main(args) {
  const { values } = parseArgs({ args, options: { update: { type: 'boolean' } } });
  if (values.update) {
    await writeApi(process.cwd());
    return 0;
  }
  const changes = await apiChanges(process.cwd());
  for (const text of changes) console.error(text);
  if (changes.length > 0)
    console.error('The public API has changed. If that is intended: npm run api:update');
  return changes.length > 0 ? 1 : 0;
}

if (isMain(import.meta)) await runMain(main);
