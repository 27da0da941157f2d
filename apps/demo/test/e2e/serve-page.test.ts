import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { picture, visit } from './demo-page.ts';

const { open } = visit();

const status = (page: Page) => page.locator('#serve-status');
const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click();
const says = (page: Page, text: RegExp): Promise<void> =>
  status(page).filter({ hasText: text }).waitFor();

/** Returns a number of the room by its name. */
const fact = (page: Page, name: string): Promise<string> =>
  page.locator('.facts div', { hasText: name }).locator('dd').innerText();

/** Keeps the last device, for the test that loses it. */
const keeper = `const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    return (globalThis.lastDevice = await request.apply(this, args));
  };`;

/** Opens the room with three short prompts and short answers. */
async function enter(): Promise<Page> {
  const page = await open('#serve', { viewport: { width: 1280, height: 1000 }, before: keeper });
  // A software adapter compiles for seconds.
  page.setDefaultTimeout(120_000);
  await page.getByRole('button', { name: 'Remove prompt D' }).click();
  await page.getByLabel('Answer length').selectOption('16');
  return page;
}

test(
  'three prompts are served at once from shared pages, as each alone, and found again after a reload',
  { tags: ['full'] },
  async () => {
    const page = await enter();
    await page.getByLabel('Page format').selectOption('int8');
    await press(page, 'Run');
    await page.locator('.pages [data-state="shared"]').first().waitFor();
    // Answers are short, so the run may be done before it is stopped.
    await page.getByRole('button', { name: 'Stop', exact: true }).click({ force: true });
    await says(page, /^(Paused|Done): 3 answers/);
    expect(await page.locator('#pages-summary').innerText()).toMatch(/[1-9]\d* of them shared/);

    await page.locator('.pages li[tabindex="0"]').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('#page-readout').innerText()).toMatch(
      /^Page 2, shared by A.* positions 16 to 31, full, name [0-9a-f]{8}: “/,
    );
    await picture(page, 'serve-pages');

    await press(page, 'Run');
    await says(page, /^Done: 3 answers, \d+ tokens/);
    expect(await fact(page, 'Prefix hits')).toMatch(/^\d+ % · [1-9]\d* of \d+$/);
    expect(await fact(page, 'Memory of pages')).toMatch(/^\d+ KiB · 63 % of f16$/);
    const answers = await page.locator('.answer').allInnerTexts();
    expect(answers).toHaveLength(3);

    await press(page, 'Check alone');
    await says(page, /^Serving prompt [123] of 3 alone, in a cache of its own: token \d+ of 16\.$/);
    await says(page, /^Checked: all 3 prompts have the same answers alone/);
    for (const verdict of await page.locator('.verdict').allInnerTexts()) {
      expect(verdict).toMatch(/^✓ same alone: [1-9]\d* tokens$/);
    }
    await press(page, 'Save in this browser');
    await says(page, /^Saved [1-9]\d* pages in this browser/);
    await picture(page, 'serve-light');

    await page.reload();
    await press(page, 'Run');
    await says(page, /^Done: 3 answers, .* Resumed [1-9]\d* saved pages/);
    // Each prompt finds all of its full pages.
    expect(Number.parseInt(await fact(page, 'Prefix hits'), 10)).toBeGreaterThan(75);
    expect(await page.locator('.answer').allInnerTexts()).toEqual(answers);
    await press(page, 'Delete saved pages');
    await says(page, /^Deleted [1-9]\d* saved pages/);
    await page.close();
  },
);

test('branches fork, a lost device is replaced, and a prompt that is too long is refused', async () => {
  const page = await enter();
  await page.getByRole('button', { name: 'Remove prompt C' }).click();
  await page.getByRole('button', { name: 'Remove prompt B' }).click();
  await page.getByLabel('Answers per prompt').selectOption('2');
  await press(page, 'Run');
  await says(page, /^Done: 2 answers, /);
  expect(await fact(page, 'Forks')).toMatch(/^1 · [1-9]\d* pages copied$/);

  await page.evaluate(() =>
    (globalThis as unknown as { lastDevice: GPUDevice }).lastDevice.destroy(),
  );
  await says(page, /^The GPU was lost/);
  await page.getByLabel('Answers per prompt').selectOption('1');
  await press(page, 'Step');
  await says(page, /^Paused: 1 answer,/);
  await page.getByRole('textbox', { name: 'Prompt A' }).fill('x'.repeat(1100));
  await press(page, 'Run');
  await says(page, /^Prompt A with its answer is \d+ tokens long, and the model reads \d+\./);
  await page.close();
});

test('on a narrow, dark page everything is in reach', async () => {
  const page = await open('#serve', { viewport: { width: 390, height: 800 }, colorScheme: 'dark' });
  await page.getByRole('button', { name: 'Run', exact: true }).waitFor();
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  await picture(page, 'serve-phone-dark');
  await page.close();
});

test('without WebGPU the room says so', async () => {
  const page = await open('#serve', { before: 'delete Navigator.prototype.gpu' });
  await says(page, /^Serving needs WebGPU/);
  expect(await page.getByRole('button', { name: 'Run', exact: true }).isDisabled()).toBe(true);
  await page.close();
});
