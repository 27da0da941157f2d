import { chromiumLaunch } from '@heed/testing/chromium';
import { type Browser, chromium } from 'playwright';
import { it } from 'vitest';
import { minifiedSeed } from '../examples/bundle.ts';
import { expectSeed } from '../examples/seed-expected.ts';

/** Chromium, if this machine has it. */
async function launch(): Promise<Browser | undefined> {
  try {
    return await chromium.launch(chromiumLaunch());
  } catch (error) {
    if (String(error).includes("executable doesn't exist")) return undefined;
    throw error;
  }
}

// The browser tier runs modules as they are written; this page gets a bundle.
it('the seed example runs in a browser page, bundled and minified', async ({ skip }) => {
  const browser = await launch();
  if (!browser) return skip('there is no Chromium');
  try {
    const page = await browser.newPage();
    // Nothing is asked of a network; navigator.gpu is there for local pages.
    await page.route('http://localhost/**', (route) => {
      const isScript = route.request().url().endsWith('.js');
      const [contentType, body] = isScript
        ? ['text/javascript', minifiedSeed()]
        : ['text/html', '<!doctype html><title>seed</title>'];
      return route.fulfill({ contentType, body });
    });
    await page.goto('http://localhost/');
    const got = await page.evaluate<number[]>(
      `import('/seed.js').then(({ seedExample }) => seedExample()).then((data) => [...data])`,
    );
    expectSeed(got);
  } finally {
    await browser.close();
  }
});
