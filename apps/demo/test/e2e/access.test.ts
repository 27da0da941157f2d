import axe from 'axe-core';
import type { Page } from 'playwright';
import { expect, test } from 'vitest';
import { picture, visit } from './browser.ts';

const { open } = visit();

const rooms = ['explore', 'train', 'serve', 'conformance'] as const;

/** What axe finds wrong: a rule and the elements that break it. */
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate(() =>
    (globalThis as unknown as { axe: typeof axe }).axe.run(),
  );
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

/** The elements that reach beyond the window, where they make the page wider than that. */
const overflowing = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const wide = [...document.querySelectorAll('body *')].filter(
      (each) => each.getBoundingClientRect().right > innerWidth + 0.5,
    );
    return wide.map(({ tagName, className }) => `${tagName}.${className}`);
  });

// Without a GPU nothing is computed, and all but the results is there.
test.each(rooms)('the room %s fits narrow windows, and hinders nobody', async (room) => {
  const page = await open(`#${room}`, { before: 'delete Navigator.prototype.gpu' });
  await page.locator(`#room-${room} h1`).waitFor();
  await page.locator('main button').first().waitFor();
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
