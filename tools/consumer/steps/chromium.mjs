import { chromium } from 'playwright';
import { preview } from 'vite';
import { chromiumLaunch } from '../../../packages/testing/src/chromium.ts';
import { findChromium } from '../../lib/browser.mjs';

const PATIENCE_MS = 60_000;

/**
 * What pages print until they have printed a line of `heed`, or why there is no browser. They are served as they are, from where
 * Vite has built them, or from `outDir`.
 */
export async function printedInChromium(cwd, pages, { outDir = 'dist' } = {}) {
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
