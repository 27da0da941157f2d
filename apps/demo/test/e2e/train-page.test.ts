import { readFileSync } from 'node:fs';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { presets } from '../../src/transformer/model-config.ts';
import { modelFromFile } from '../../src/transformer/language-model.ts';
import { picture, visit } from './demo-page.ts';

const { open } = visit();

// The README is shorter than the room's default text, which suits a slow software adapter.
const text: string = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');

/** Returns the number of steps that the page shows as done. */
const stepsDone = async (page: Page): Promise<number> =>
  Number((await page.locator('.facts dd').first().innerText()).split(' ')[0]);

/** Waits until `steps` steps are done. */
const reach = (page: Page, steps: number): Promise<unknown> =>
  page.waitForFunction(
    (want) => Number.parseInt(document.querySelector('.facts dd')!.textContent) >= want,
    steps,
    { timeout: 240_000 },
  );

test(
  'a tiny model learns, pauses, goes on, and is saved and loaded',
  { tags: ['full'] },
  async () => {
    const page = await open('#train', { viewport: { width: 1280, height: 1000 } });
    await page.getByText(/^Running on/).waitFor();
    const go = page.locator('button.primary');
    // The page chooses the smallest size for SwiftShader, a CPU adapter.
    expect(await page.getByLabel('Size').inputValue()).toBe('tiny');
    await page.getByLabel('Text to learn').fill(text);
    await go.click();
    // Compilation takes long, and the page says so.
    await page
      .getByText(/^Held-out text before step 1, batch 1 of \d+\. The first one compiles/)
      .waitFor();
    await page.locator('#train-waited', { hasText: /^[1-9]\d* s$/ }).waitFor();
    await page.getByText(/^Step 1 of \d+\. The first one compiles/).waitFor({ timeout: 240_000 });
    await reach(page, 5);
    expect(await page.locator('#train-status').innerText()).toBe('Training.');
    const tensors = page.locator('.facts dd').last();
    const before = await tensors.getAttribute('title');

    await page.getByRole('button', { name: 'Pause' }).press('Enter');
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    const paused = await stepsDone(page);
    await page.waitForTimeout(1000);
    expect(await stepsDone(page)).toBe(paused);
    expect(await page.locator(':focus').innerText()).toBe('Resume');
    await go.click();
    await reach(page, 50);
    await page.locator('.samples pre').first().waitFor();

    expect(await tensors.getAttribute('title')).toBe(before);
    const chart = await page.locator('.chart svg').getAttribute('aria-label');
    const [, heldOut, bigram] = /costs ([\d.]+);.*is ([\d.]+)$/.exec(chart!)!.map(Number);
    expect(heldOut).toBeLessThan(5);
    expect(bigram).toBeGreaterThan(3);
    expect(await page.locator('.chart tbody tr').count()).toBe(3);

    await page.getByRole('button', { name: 'Measure' }).click();
    await page
      .getByText(/packing is [\d.]+ times as fast as padding\.$/)
      .waitFor({ timeout: 200_000 });
    const losses = await page.locator('.panel tbody td:last-child').allInnerTexts();
    expect(losses).toHaveLength(2);
    expect(Math.abs(Number(losses[0]) - Number(losses[1]))).toBeLessThan(1e-3);
    await picture(page, 'train');

    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Save weights' }).click();
    const path = await (await downloading).path();
    const model = modelFromFile(readFileSync(path));
    expect(model.config).toEqual(presets.tiny);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    await page.getByRole('button', { name: 'Reset' }).click();
    await page.getByRole('button', { name: 'Start' }).waitFor();

    await page.getByLabel('Load weights').setInputFiles({
      name: 'cut.safetensors',
      mimeType: 'application/octet-stream',
      buffer: readFileSync(path).subarray(0, 5000),
    });
    await page.getByText('not a safetensors file: the data must have').waitFor();
    await page.getByLabel('Load weights').setInputFiles(path);
    await page.getByText('weights. Start trains it further.').waitFor();
    await go.click();
    const row = page.locator('.chart tbody tr').first();
    await row.waitFor({ state: 'attached' });
    expect(Number(await row.locator('td').nth(1).textContent())).toBeLessThan(5);
    await page.close();
  },
);

test('too little text is refused, and says how much it wants', async () => {
  const page = await open('#train');
  await page.getByText(/^Running on/).waitFor();
  await page.getByLabel('Text to learn').fill('Much too short.');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByText('This text has 16 bytes; training wants 2000 or more.').waitFor();
  expect(await page.getByRole('button', { name: 'Start' }).isEnabled()).toBe(true);
  await page.close();
});

test('without WebGPU the room says so', async () => {
  const page = await open('#train', {
    before: `Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined })`,
  });
  await page.getByText('Training needs WebGPU, which this browser does not offer here.').waitFor();
  expect(await page.getByRole('button', { name: 'Start' }).isDisabled()).toBe(true);
  await page.close();
});
