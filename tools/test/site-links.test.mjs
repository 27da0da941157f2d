import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { brokenLinks } from '../docs/site-links.mjs';

test('a link of the site that leads to no page, or to no place in it, is found', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'heed-links-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const links = [
    'b.html',
    'b.html#there',
    '#here',
    'https://example.com/x',
    'c.html',
    'b.html#gone',
  ];
  const anchors = links.map((link) => `<a class="x" href="${link}">x</a>`).join('');
  writeFileSync(join(folder, 'a.html'), `<p id="here">${anchors}<img src="missing.png">`);
  writeFileSync(join(folder, 'b.html'), '<p id="there">');
  expect(await brokenLinks(folder)).toEqual([
    'a.html: c.html leads nowhere',
    'a.html: b.html#gone leads nowhere',
    'a.html: missing.png leads nowhere',
  ]);
});
