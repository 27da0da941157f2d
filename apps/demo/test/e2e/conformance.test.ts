import { expect, test } from 'vitest';
import { picture, visit } from './browser.ts';

const { open } = visit();

test('cases run by promise, with a canary, errors against budgets and a report', async () => {
  const page = await open('#conformance', { viewport: { width: 1280, height: 1000 } });
  await page.locator('.canary strong', { hasText: 'This browser' }).waitFor();
  await page.getByLabel('Name contains').fill('canary, validation/varlen, lse/dense-causal/f32');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByText(/^Done: \d+ of \d+ cases, 0 failed\.$/).waitFor();
  const row = page.locator('[data-group="lse"]');
  const [verdict, count, error, allowed] = await row
    .locator('tr')
    .first()
    .locator('td')
    .allInnerTexts();
  expect(verdict).toBe('✓ pass');
  expect(count).toMatch(/^(\d+) of \1$/);
  expect(Number(error)).toBeLessThan(Number(allowed));
  await row.getByRole('button').click();
  expect(await row.locator('.cases li').count()).toBe(Number(count!.split(' ')[0]));
  const report = await page.getByLabel('Report').inputValue();
  expect(report).toContain('## heed conformance');
  expect(report).toContain('canary: A bare `var x: f32;`');
  expect(report).toContain('"maxStorageBufferBindingSize"');
  await picture(page, 'conformance');
  await page.close();
});

test('a run can be stopped, and leaves the keyboard where it was', async () => {
  const page = await open('#conformance');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.waitForFunction(() => document.querySelector('progress')!.value > 0);
  await page.getByRole('button', { name: 'Stop' }).press('Enter');
  await page.getByText(/^Stopped: \d+ of \d+ cases, 0 failed\.$/).waitFor();
  expect(await page.locator(':focus').innerText()).toBe('Run');
  await page.close();
});

test('a filter that fits no case cannot be run', async () => {
  const page = await open('#conformance');
  await page.getByLabel('Name contains').fill('no-such-case');
  await page.getByText('No case has such a name.').waitFor();
  expect(await page.getByRole('button', { name: 'Run', exact: true }).isDisabled()).toBe(true);
  await page.close();
});

test('rooms are links: title, focus and the back button follow', async () => {
  const page = await open('#explore');
  await page.getByRole('link', { name: 'Conformance' }).click();
  await page.waitForFunction(() => document.activeElement?.id === 'conformance-title');
  expect(await page.title()).toBe('Conformance · heed');
  expect(await page.locator('[aria-current="page"]').innerText()).toBe('Conformance');
  expect(await page.evaluate(() => scrollY)).toBe(0);
  await page.goBack();
  await page.getByRole('heading', { name: 'Explore' }).waitFor();
  await page.close();
});
