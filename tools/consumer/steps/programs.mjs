import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import { chromiumLaunch } from '../../../packages/testing/src/chromium.ts';
import { bestAdapter } from '../../lib/adapters.mjs';
import { findChromium } from '../../lib/engines.mjs';
import { installProject } from '../../lib/packages.mjs';
import { run, tail } from '../../lib/run.mjs';
import { root, say, SetupError } from '../../lib/tool.mjs';
import { requiredPeers } from './tarballs.mjs';

const HOST = { entries: true, twin: 12 };
const GPU = { attention: [0, 0.5, 1, 1.5], flex: [1, 1, 1, 1], paged: [0, 0.5, 1, 1.5] };
const WITHOUT_GPU = { error: 'unsupported' };
/** The output of the README's page, which runs without a bundler. */
const PAGE = [0, 0.5, 1, 1.5];
const INTEGRATIONS = { attention: [0, 0.5, 1, 1.5], providers: 1 };

/** Runs the programs of app/ with all packages installed: in Node, bundled in Node, and bundled in Chromium. */
export async function appRuns(packed, folder) {
  const cwd = join(folder, 'app');
  await cp(join(root, 'tools', 'consumer', 'app'), cwd, { recursive: true });
  const peers = [...packed.values()].flatMap(({ manifest }) => requiredPeers(manifest));
  await installProject(cwd, packed, [...packed.keys(), ...new Set(peers), 'webgpu']);
  for (const name of ['main', 'integrations'])
    await writeFile(join(cwd, `${name}.html`), pageOf(name));
  const warnings = await bundle(cwd);
  const assets = await readdir(join(cwd, 'dist', 'assets'));
  const script = join(
    'dist',
    'assets',
    assets.find((name) => /^main.*\.js$/.test(name)),
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

/** A page that runs a program of app/. */
const pageOf = (name) => `<!doctype html>
<meta charset="utf-8" />
<title>${name}</title>
<script type="module" src="${name}.ts"></script>
`;

/** Bundles the pages as Vite does by default; returns its warnings. */
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
        input: ['main.html', 'integrations.html'].map((page) => join(cwd, page)),
      },
    },
  });
  return warnings;
}

/** Returns the environment in which Dawn finds an adapter, or `missing` where there is none: then the program must say so. */
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
  const printed = await printedInChromium(cwd, ['main.html', 'integrations.html']);
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

/** Returns the HTML in the README: a page with an import map. */
async function pageOfReadme() {
  const readme = await readFile(join(root, 'README.md'), 'utf8');
  return /^```html\n(.*?)^```$/ms.exec(readme)[1];
}

/** Compares a program's line of JSON with the expected one. */
function difference(title, text, want) {
  const got = /^heed (.*)$/m.exec(text)?.[1];
  const expected = JSON.stringify(want);
  if (got === expected) return [];
  return [`${title} printed ${got ?? tail(text.slice(-2000))}, not ${expected}`];
}

const PATIENCE_MS = 60_000;

/**
 * Opens pages one after the other and returns the console output of each up to its line of `heed`, or `missing` with the reason
 * why there is no browser. The pages are served from the folder that Vite has built, or from `outDir`.
 */
async function printedInChromium(cwd, pages, { outDir = 'dist' } = {}) {
  const found = await findChromium(process.env);
  if (found.missing) return found;
  process.env.HEED_CHROMIUM = found.env.HEED_CHROMIUM;
  const settings = {
    root: cwd,
    configFile: false,
    logLevel: 'error',
    build: { outDir },
    preview: { port: 0 },
  };
  const server = await preview(settings);
  const browser = await chromium.launch(chromiumLaunch());
  try {
    const printed = [];
    for (const page of pages) {
      printed.push(await printedBy(browser, new URL(page, server.resolvedUrls.local[0])));
    }
    return printed;
  } finally {
    await browser.close();
    await server.close();
  }
}

async function printedBy(browser, address) {
  const page = await browser.newPage();
  const lines = [];
  const finished = new Promise((resolve) => {
    const note = (line) => {
      lines.push(line);
      if (line.startsWith('heed ')) resolve();
    };
    page.on('console', (message) => note(message.text()));
    page.on('pageerror', (error) => resolve(note(String(error))));
    setTimeout(resolve, PATIENCE_MS).unref();
  });
  await page.goto(address.href);
  await finished;
  await page.close();
  return lines.join('\n');
}
