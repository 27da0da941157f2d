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
  /** A page at an address of the demo (`#explore`), without anything that a visitor would have. */
  readonly open: (address: string, options?: VisitOptions) => Promise<Page>;
}

export interface VisitOptions extends BrowserContextOptions {
  /** Runs in the page before anything else. */
  readonly before?: string;
}

/** Starts a browser before the tests of a file; afterwards no page may have logged an error. */
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

/** Keeps a picture of the page: `.cache/screenshots/NAME.png`. */
export async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${artefacts}${name}.png`, fullPage: true });
}
