import { cp, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'vite';
import { bestAdapter } from '../../lib/adapters.mjs';
import { SetupError, say } from '../../lib/log.mjs';
import { installProject } from '../../lib/packed.mjs';
import { root } from '../../lib/paths.mjs';
import { run, tail } from '../../lib/run.mjs';
import { requiredPeers } from './alone.mjs';
import { printedInChromium } from './chromium.mjs';

const HOST = { entries: true, twin: 12 };
const GPU = { attention: [0, 0.5, 1, 1.5], flex: [1, 1, 1, 1], paged: [0, 0.5, 1, 1.5] };
const WITHOUT_GPU = { error: 'unsupported' };
/** What the page of the README prints, which no bundler has seen. */
const PAGE = [0, 0.5, 1, 1.5];
const INTEGRATIONS = { attention: [0, 0.5, 1, 1.5], providers: 1 };

/** The programs of app/, with all packages installed: as they are in Node, bundled in Node, and bundled in Chromium. */
export async function appRuns(packed, folder) {
  const cwd = join(folder, 'app');
  await cp(join(root, 'tools', 'consumer', 'app'), cwd, { recursive: true });
  const peers = [...packed.values()].flatMap(({ manifest }) => requiredPeers(manifest));
  await installProject(cwd, packed, [...packed.keys(), ...new Set(peers), 'webgpu']);
  const warnings = await bundle(cwd);
  const assets = await readdir(join(cwd, 'dist', 'assets'));
  const script = join(
    'dist',
    'assets',
    assets.find((name) => /^index.*\.js$/.test(name)),
  );
  const adapter = await anyAdapter();
  const want = { ...HOST, ...(adapter.missing ? WITHOUT_GPU : GPU) };
  return [
    ...warnings.map((warning) => `vite: ${warning}`),
    ...difference('Node', await printedInNode(cwd, 'main.ts', adapter), want),
    ...difference('Vite’s bundle in Node', await printedInNode(cwd, script, adapter), want),
    ...(await inChromium(cwd)),
  ];
}

/** Bundles the pages as Vite does by default; gives its warnings. */
async function bundle(cwd) {
  const warnings = [];
  const note = (text) => warnings.push(text);
  const silent = () => {};
  await build({
    root: cwd,
    configFile: false,
    logLevel: 'warn',
    customLogger: { info: silent, clearScreen: silent, warn: note, warnOnce: note, error: note },
    build: {
      modulePreload: false,
      chunkSizeWarningLimit: 4096,
      rolldownOptions: {
        input: ['index.html', 'integrations.html'].map((page) => join(cwd, page)),
      },
    },
  });
  return warnings;
}

/** What a child needs for Dawn to find an adapter; without any, the program has to say so itself. */
async function anyAdapter() {
  try {
    return await bestAdapter(process.env);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return { env: {}, missing: true };
  }
}

async function printedInNode(cwd, script, adapter) {
  const env = { ...process.env, ...adapter.env };
  const { text } = await run(process.execPath, [script], { cwd, env, output: 'capture' });
  return text;
}

async function inChromium(cwd) {
  const printed = await printedInChromium(cwd, ['index.html', 'integrations.html']);
  if (printed.missing) {
    say('consumer', `not in a browser: ${printed.missing}`);
    return [];
  }
  const [program, integrations] = printed;
  await writeFile(join(cwd, 'page.html'), await pageOfReadme());
  const [page] = await printedInChromium(cwd, ['page.html'], { outDir: '.' });
  return [
    ...difference('The page of the README in Chromium', page, PAGE),
    ...difference('Vite’s bundle in Chromium', program, { ...HOST, ...GPU }),
    ...difference('The integrations in Chromium', integrations, INTEGRATIONS),
  ];
}

/** The HTML that the README shows: a user's page with an import map. */
async function pageOfReadme() {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  return /^```html\n(.*?)^```$/ms.exec(readme)[1];
}

/** A program's line of JSON against what it should be. */
function difference(title, text, want) {
  const got = /^heed (.*)$/m.exec(text)?.[1];
  const expected = JSON.stringify(want);
  if (got === expected) return [];
  return [`${title} printed ${got ?? tail(text.slice(-2000))}, not ${expected}`];
}
