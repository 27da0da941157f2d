import { expect, test } from 'vitest';
import { summaryText, tierCounts } from '../lib/summary.mjs';

test('a tier that passed keeps its counts', () => {
  expect(tierCounts({ passed: 3, failed: 0, skipped: 1 }, 0)).toEqual({
    passed: 3,
    failed: 0,
    skipped: 1,
  });
});

test('a tier without a report, without a test or with a bad exit has failed', () => {
  expect(tierCounts(undefined, 1).failed).toBe(1);
  expect(tierCounts({ passed: 0, failed: 0, skipped: 2 }, 0).failed).toBe(1);
  expect(tierCounts({ passed: 3, failed: 0, skipped: 0 }, 1).failed).toBe(1);
});

test('failures are not counted twice', () => {
  expect(tierCounts({ passed: 3, failed: 2, skipped: 0 }, 1).failed).toBe(2);
});

test('a tier that did not run stands in the table with its reason, and the totals stand alone', () => {
  const text = summaryText([
    { name: 'unit', adapter: 'no GPU', passed: 12, failed: 0, skipped: 0, seconds: 1 },
    { name: 'gpu', reason: 'skipped: no hardware adapter', passed: 0, failed: 0, skipped: 1 },
    { name: 'gpu-browser', reason: 'chromium does not start', passed: 0, failed: 1, skipped: 0 },
  ]);
  expect(text).toMatchInlineSnapshot(`
    "tier         adapter                       passed  failed  skipped  seconds  pipelines
    unit         no GPU                        12      0       0        1.0
    gpu          skipped: no hardware adapter                  1
    gpu-browser  chromium does not start               1

    12 passed, 1 failed, 1 skipped"
  `);
});
