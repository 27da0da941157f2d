import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromiumLaunch } from '@heed/testing/chromium';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, expect, inject } from 'vitest';

const artefacts: string = fileURLToPath(
  new URL('../../../../.cache/screenshots/', import.meta.url),
);

/** A browser for a file of tests. */
export interface Visit {
  /** Opens a page at an address of the demo (`#explore`), without cookies, storage or cache. */
  readonly open: (address: string, options?: VisitOptions) => Promise<Page>;
}

interface VisitOptions extends BrowserContextOptions {
  /** A script that runs in the page before all others. */
  readonly before?: string;
}

/** Starts a browser before the tests of a file. After them, expects that no page has logged an error. */
export function visit(): Visit {
  let browser: Browser;
  const errors: string[] = [];
  beforeAll(async () => {
    mkdirSync(artefacts, { recursive: true });
    browser = await chromium.launch(chromiumLaunch());
  });
  afterAll(async () => {
    await browser?.close();
    expect(errors).toEqual([]);
  });
  return {
    open: async (address, { before, ...options } = {}) => {
      const page = await browser.newPage(options);
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
      });
      if (before !== undefined) await page.addInitScript(before);
      await page.goto(inject('demoUrl') + address);
      return page;
    },
  };
}

/** Saves a screenshot of the page: `.cache/screenshots/NAME.png`. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${artefacts}${name}.png`, fullPage: true });
}
