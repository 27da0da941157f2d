import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { tierNames } from '../lib/tiers.mjs';
import { root } from '../lib/tool.mjs';
import { countsOf, pageText, rows } from '../where.mjs';

const read = (name) => readFileSync(join(root, 'docs', name), 'utf8');

test('the page says what its data says', () => {
  expect(read('where-it-runs.md')).toBe(pageText(JSON.parse(read('where-it-runs.json'))));
});

test('counts of each row add up', () => {
  for (const { cases, pass, fail, unsupported, failed } of Object.values(
    JSON.parse(read('where-it-runs.json')),
  )) {
    expect(pass + fail + unsupported).toBe(cases);
    expect(failed.length).toBe(fail);
  }
});

test('a row names a tier that there is', () => {
  expect(tierNames).toEqual(expect.arrayContaining(Object.values(rows).map(({ tier }) => tier)));
});

test('failures are named, and what is lacking is counted', () => {
  const cases = [
    { id: 'a', status: 'pass' },
    { id: 'b', status: 'fail', report: 'table' },
    { id: 'c', status: 'unsupported', report: 'no f16' },
    { id: 'd', status: 'unsupported', report: 'no f16' },
  ];
  const counts = { pass: 1, fail: 1, unsupported: 2 };
  const row = countsOf({ counts, pipelines: 3, cases });
  expect(row).toEqual({
    cases: 4,
    ...counts,
    pipelines: 3,
    failed: ['b'],
    lacks: { 'no f16': 2 },
  });
  const text = pageText({ naga: { on: 'Deno 1', date: '2026-01-02', tag: 'browser', ...row } });
  expect(text).toContain('| 4 | 1 | 1 | 2 | 3 | 2026-01-02 |');
  expect(text).toContain('Deno 1. 2 unsupported: no f16. Failed: `b`.');
  expect(text).toContain('Not run here: `gpu` (a real GPU)');
});
