import { isFullRun } from '@heed/testing/tier';
import type { Page } from 'playwright';
import { beforeAll, expect, test } from 'vitest';
import { picture, visit } from './demo-page.ts';

const { open } = visit();

const textOf = (page: Page, selector: string): Promise<string> =>
  page.locator(selector).innerText();

/** Returns the heat map's pixels as a data URL. */
const heat = (page: Page): Promise<string> =>
  page
    .locator('.heat .board canvas')
    .evaluate((canvas) => (canvas as HTMLCanvasElement).toDataURL());

/** Waits until the editor's text has run: its message says so, and no newer run is active. */
async function ran(page: Page, says = 'Attention took'): Promise<void> {
  await page.locator('#editor-message:not([aria-busy])', { hasText: /./ }).waitFor();
  expect(await textOf(page, '#editor-message')).toContain(says);
}

async function write(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').focus();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(text);
}

/** Presses Tab until an element of the selector has the focus. */
async function tabTo(page: Page, selector: string): Promise<void> {
  for (let stops = 0; stops < 12; stops++) {
    if (await page.locator(selector).evaluate((target) => target === document.activeElement))
      return;
    await page.keyboard.press('Tab');
  }
  throw new Error(`Tab does not reach ${selector}`);
}

/** Globals that the test of a lost device adds to the page. */
interface Keeper {
  readonly lastDevice: GPUDevice;
  readonly devices: number;
}

const keeper = `const request = GPUAdapter.prototype.requestDevice;
  globalThis.devices = 0;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    globalThis.lastDevice = await request.apply(this, args);
    globalThis.devices++;
    return globalThis.lastDevice;
  };`;

let page: Page;

beforeAll(async () => {
  page = await open('', { viewport: { width: 1280, height: 1000 }, before: keeper });
  await ran(page);
});

test('the room opens with an example that has run on the GPU', async () => {
  expect(await page.title()).toBe('Explore · heed');
  expect(await textOf(page, '#adapter')).toMatch(/^Running on /);
  expect(await textOf(page, '#generated')).toContain('fn score_mod(');
  const facts = await page.locator('.facts dd').allInnerTexts();
  expect(facts.slice(0, 2).every((fact) => fact.endsWith(' ms'))).toBe(true);
  expect(Number(facts[3])).toBeLessThan(1e-5);
  await picture(page, 'explore-light');
});

test('a mod that is typed changes the heat map, the blocks and the WGSL', async () => {
  const before = await heat(page);
  await write(
    page,
    'const maskMod = (b: number, h: number, q: number, kv: number) => kv >= 32 && kv < 64;',
  );
  await ran(page);
  expect(await heat(page)).not.toBe(before);
  expect(await textOf(page, '#generated')).toContain('fn visible_mod(');
  // Of 8 columns of blocks, exactly the second is visible, fully.
  expect(await textOf(page, '#blocks-full')).toBe('full 8');
  expect(await textOf(page, '#blocks-partial')).toBe('partial 0');
  expect(await textOf(page, '#blocks-empty')).toBe('empty 56');
});

test('heads differ where the function reads h, and the readout follows the arrow keys', async () => {
  await write(page, 'const maskMod = (b, h, q, kv) => kv <= 2 * h;');
  await ran(page);
  const first = await heat(page);
  await page.locator('.heads label').nth(1).click();
  expect(await heat(page)).not.toBe(first);
  await page.locator('.heat .board').focus();
  for (let i = 0; i < 3; i++) await page.keyboard.press('ArrowRight');
  expect(await textOf(page, '#readout')).toContain('kv 3: hidden');
  await page.keyboard.press('ArrowLeft');
  expect(await textOf(page, '#readout')).toMatch(/kv 2: score -?\d\.\d{3}, weight 0\.\d+/);
});

test('an error is underlined in the editor and explained below it; the last picture stays', async () => {
  const before = await heat(page);
  await write(page, 'const scoreMod = (score: number) => score + Math.random();');
  await page.locator('#editor-message.error').waitFor();
  expect(await textOf(page, '.cm-lintRange-error')).toContain('Math.random');
  const [place, line, carets] = (await textOf(page, '#editor-message')).split('\n');
  expect(place).toContain('Line 1, column 45: ');
  expect(line!.slice(carets!.indexOf('^'), carets!.lastIndexOf('^') + 1)).toContain('Math.random');
  expect(await heat(page)).toBe(before);
  await picture(page, 'explore-error');
  // Until the new text has run, the old error is gone and the old picture is pale.
  await write(page, 'const scoreMod = (score: number) => score + 1;');
  const message = page.locator('#editor-message');
  expect([await message.innerText(), await message.getAttribute('class')]).toEqual(['', '']);
  await page.locator('#room-explore.stale').waitFor();
  await ran(page);
  expect(await page.locator('#room-explore.stale').count()).toBe(0);
});

test('text that is shared is read, and never run', async () => {
  await write(page, 'const scoreMod = (globalThis.ran = 1, (score) => score);');
  await page.locator('#editor-message.error').waitFor();
  expect(await page.evaluate(() => 'ran' in globalThis)).toBe(false);
});

test('the gallery loads a mask with its source and its picture, by keyboard alone', async () => {
  await page.locator('body').press('Home');
  await page.evaluate(() => (document.activeElement as HTMLElement).blur());
  await tabTo(page, '.skip');
  await page.keyboard.press('Enter');
  await tabTo(page, '.examples button[tabindex="0"]');
  await page.keyboard.press('Home');
  while ((await page.locator(':focus').innerText()) !== 'slidingWindow')
    await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await ran(page);
  expect(await page.locator(':focus').getAttribute('aria-pressed')).toBe('true');
  expect(await textOf(page, '.about')).toContain('window 2:  █░░░░');
  expect(await textOf(page, '.cm-content')).toContain('q >= kv && q - kv <= window');
  await tabTo(page, '.cm-content');
  await page.keyboard.press('Control+End');
  await page.keyboard.type('// typed');
  expect(await textOf(page, '.cm-content')).toContain('// typed');
  await tabTo(page, '.left select');
});

// A composition and a table; conformance has the others' kinds of captures. Each example takes a software adapter two seconds.
const quick = ['Masks together', 'relativeBias'];

test('examples of the gallery run on the GPU, and agree with their CPU twins', async () => {
  const found: Record<string, string> = {};
  const names = await page.locator('.examples button').allInnerTexts();
  for (const name of isFullRun() ? names : quick) {
    await page.getByRole('button', { name, exact: true }).click();
    await ran(page);
    const difference = Number(await page.locator('.facts dd').nth(3).innerText());
    found[name] = difference < 1e-5 ? 'agrees' : `is off by ${difference}`;
  }
  expect(new Set(Object.values(found)), JSON.stringify(found)).toEqual(new Set(['agrees']));
});

test('a link brings the text, the size and the head to another page', async () => {
  await write(page, 'const maskMod = (b, h, q, kv) => q >= kv; // ün∞');
  await ran(page);
  await page.locator('.heads label').nth(2).click();
  await page.getByRole('button', { name: 'Copy a link' }).click();
  await page.waitForURL(/#explore=/);
  const other = await open(`#${page.url().split('#')[1]}`, {
    viewport: { width: 390, height: 800 },
    colorScheme: 'dark',
  });
  await ran(other);
  expect(await textOf(other, '.cm-content')).toBe(
    'const maskMod = (b, h, q, kv) => q >= kv; // ün∞',
  );
  expect(await other.locator('.heads input').nth(2).isChecked()).toBe(true);
  const overflow = await other.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow).toBeLessThanOrEqual(0);
  await picture(other, 'explore-phone-dark');
  await other.close();
});

test('a damaged link says so', async () => {
  await page.goto(`${page.url().split('#')[0]}#explore=nonsense`);
  await page.locator('#editor-message.error').waitFor();
  expect(await textOf(page, '#editor-message')).toContain('This link is damaged');
});

test('a lost device is opened again, and what was written runs on it', async () => {
  await write(page, 'const maskMod = (b, h, q, kv) => q >= kv;');
  await ran(page);
  await page.evaluate(() => (globalThis as unknown as Keeper).lastDevice.destroy());
  await page.waitForFunction(() => (globalThis as unknown as Keeper).devices === 2);
  await ran(page);
  expect(await textOf(page, '#adapter')).toMatch(/^Running on /);
});

test('without WebGPU the page says what helps, and still shows scores', async () => {
  const other = await open('', { before: 'delete Navigator.prototype.gpu' });
  await ran(other, 'Scores and weights by the CPU twin.');
  expect(await textOf(other, '.notice')).toContain('chrome://flags/#enable-unsafe-webgpu');
  expect((await heat(other)).length).toBeGreaterThan(2000);
  await picture(other, 'no-webgpu');
  await other.close();
});
