import { fileURLToPath } from 'node:url';
import { chromiumLaunch } from '@heed/testing/chromium';
import { chromium, type Page } from 'playwright';
import { serveDemo } from './demo-server.ts';

// Takes the README's pictures from the running page: `npm run demo -- --screenshots`.
const folder = new URL('../../../docs/images/', import.meta.url);

const pictures = [
  {
    name: 'demo-explore',
    address: '#explore',
    height: 1280,
    prepare: async (page: Page): Promise<void> => {
      await page.getByText(/^Running on/).waitFor();
      await page.getByLabel('Block map and time').selectOption('1024');
      await page.getByText(/^1024 × 1024/).waitFor({ timeout: 120_000 });
      await page.locator('#editor-message:not([aria-busy])').waitFor({ timeout: 120_000 });
    },
  },
  {
    name: 'demo-train',
    address: '#train',
    height: 1060,
    prepare: async (page: Page): Promise<void> => {
      await page.getByText(/^Running on/).waitFor();
      await page.getByLabel('Size').selectOption('tiny');
      await page.getByRole('button', { name: 'Start' }).click();
      // Enough steps for the curves to fall; the whole run takes a quarter of an hour on a software adapter.
      await page.waitForFunction(
        () => Number.parseInt(document.querySelector('.facts dd')!.textContent) >= 50,
        undefined,
        { timeout: 600_000 },
      );
      await page.getByRole('button', { name: 'Measure' }).click();
      await page.getByText(/times as fast as padding/).waitFor({ timeout: 300_000 });
    },
  },
  {
    name: 'demo-serve',
    address: '#serve',
    height: 1180,
    prepare: async (page: Page): Promise<void> => {
      // Stops in the middle of a run, when some pages are used, some shared and some cached.
      await page.getByLabel('Page format').selectOption('int8');
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await page.locator('.pages [data-state="cached"]').first().waitFor({ timeout: 300_000 });
      await page.getByRole('button', { name: 'Stop' }).click();
      await page.getByText(/^Paused: /).waitFor({ timeout: 60_000 });
      await page.locator('.pages [data-state="shared"]').first().hover();
    },
  },
  {
    name: 'demo-conformance',
    address: '#conformance',
    height: 900,
    prepare: async (page: Page): Promise<void> => {
      await page.getByLabel('Name contains').fill('canary, zero-length, empty-rows, gqa');
      await page.getByRole('button', { name: 'Run', exact: true }).click();
      await page.getByText(/^Done: /).waitFor({ timeout: 300_000 });
    },
  },
];

const server = await serveDemo();
const browser = await chromium.launch(chromiumLaunch());
for (const { name, address, height, prepare } of pictures) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ viewport: { width: 1280, height }, colorScheme });
    await page.goto(server.url + address);
    await prepare(page);
    const path = fileURLToPath(new URL(`${name}-${colorScheme}.png`, folder));
    await page.screenshot({ path });
    process.stdout.write(`${path}\n`);
    await page.close();
  }
}
await browser.close();
await server.close();
