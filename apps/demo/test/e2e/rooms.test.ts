import axe from 'axe-core';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { picture, visit } from './demo-page.ts';

const { open } = visit();

const rooms = ['explore', 'train', 'serve', 'conformance'] as const;

/** Returns axe's findings: each rule with the elements that break it. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(),
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** Returns the elements that make the page wider than the window. */
const overflowing = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const wide = [...document.querySelectorAll('body *')].filter(
      (each) => each.getBoundingClientRect().right > innerWidth + 0.5,
    );
    return wide.map(({ tagName, className }) => `${tagName}.${className}`);
  });

// Without a GPU the rooms show everything but results.
test.each(rooms)('the room %s fits narrow windows, and hinders nobody', async (room) => {
  const page = await open(`#${room}`, { before: 'delete Navigator.prototype.gpu' });
  await page.locator(`#room-${room} h1`).waitFor();
  await page.locator('main button').first().waitFor();
  // What a room shows is pale until it is computed anew.
  await page.locator(`#room-${room}:not(.stale)`).waitFor();
  for (const width of [1280, 390, 320]) {
    await page.setViewportSize({ width, height: 800 });
    expect([width, await overflowing(page)]).toEqual([width, []]);
  }
  await picture(page, `${room}-320`);
  expect(await violations(page)).toEqual([]);
  await page.close();
});

test('results of the conformance room fit a narrow window too', async () => {
  const page = await open('#conformance', { viewport: { width: 390, height: 800 } });
  await page.getByLabel('Name contains').fill('canary, lse/dense-causal/f32');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await page.getByText(/^Done: \d+ of \d+ cases, 0 failed\.$/).waitFor();
  await page.locator('[data-group="lse"]').getByRole('button').click();
  for (const width of [390, 320]) {
    await page.setViewportSize({ width, height: 800 });
    expect([width, await overflowing(page)]).toEqual([width, []]);
  }
  await picture(page, 'conformance-320');
  expect(await violations(page)).toEqual([]);
  await page.close();
});

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
  await page.getByText('No case has this text in its name.').waitFor();
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
