import { testGpu } from '@heed/testing';
import { chromiumLaunch } from '@heed/testing/chromium';
import { buildSync } from 'esbuild';
import { type Browser, chromium } from 'playwright';
import { describe, expect, it } from 'vitest';
import { expectSeed } from '../examples/seed-expected.ts';
import { seedExample } from '../examples/seed.ts';

/** The seed example with all that it imports, minified as an application would be. */
function minifiedSeed(): string {
  const { outputFiles } = buildSync({
    entryPoints: [new URL('../examples/seed.ts', import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: 'esm',
    conditions: ['@heed/source'],
    // Node's adapter, which is imported only where there is no navigator.gpu.
    external: ['webgpu'],
    write: false,
  });
  return outputFiles[0]!.text;
}

describe('the seed example', () => {
  it('runs in Node', async () => {
    const { device } = await testGpu();
    expectSeed(await seedExample(device));
  });

  it('runs in Node, bundled and minified', async () => {
    const { device } = await testGpu();
    const code = minifiedSeed();
    // The mod as typed is gone: one letter a parameter.
    expect(code).toMatch(/scoreMod:\(\w,\w,\w,\w,\w\)=>\w\+\(\w-\w\)/);
    const url = `data:text/javascript,${encodeURIComponent(code)}`;
    const bundle = (await import(/* @vite-ignore */ url)) as { seedExample: typeof seedExample };
    expectSeed(await bundle.seedExample(device));
  });
});

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
it(
  'the seed example runs in a browser page, bundled and minified',
  { tags: ['full'] },
  async ({ skip }) => {
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
  },
);
