import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'tsdown';
import { extractDts } from 'tsnapi';

/** How far references to types that an entry does not export are followed: to the end. */
const DEPTH = Number.MAX_SAFE_INTEGER;

/**
 * The public declarations of a package as built in its `dist`: file name → text, one per entry, sorted, without comments. Each
 * entry is first rolled up into one file, since an entry names types that stand in chunks which it shares with others.
 */
export async function apiSnapshots(folder) {
  const { name, exports } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const subpaths = Object.keys(exports).filter((subpath) => subpath !== './package.json');
  const snapshots = new Map();
  for (const subpath of subpaths) {
    const entry = exports[subpath].default.replace(/\.js$/, '.d.ts');
    const text = await extractDts('entry.d.ts', await rolledUp(folder, entry), {
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
