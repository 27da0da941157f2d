import { expect, test } from 'vitest';
import { renderTable } from '../../../src/report/table.ts';
import { sampleReport } from './sample-report.ts';

test('a table shows adapter, versions, ratios and what is wrong', () => {
  expect(`\n${renderTable(sampleReport)}\n`).toMatchInlineSnapshot(`
    "
    some <adapter> & driver
    measured limits: 100.0 GFLOP/s of f32 multiply-adds, 10.0 GB/s of copying
    2026-11-21, Node 24.0.0, heed 0.1.0, other 2.0.0, broken 3.0.0, absent 4.0.0

    prefill f32, B1 S1024 H8 D64 (prefill-f32, 2.00 GFLOP, 1.0 MB, 5 interleaved rounds)
              time / heed  median ms    min    quartiles  GFLOP/s  of roof  first use  max error  call
      heed          1.00×      40.00  40.00  40.00–40.00     2.50     50 %     1.23 s     2.0e-7  attention(q, k, v)
      other         1.50×      60.00  60.00  60.00–60.00     1.67     33 %     1.23 s     2.0e-7  attention(q, k, v)
      broken        2.25×      90.00  90.00  90.00–90.00     1.11     22 %     1.23 s     3.0e-1  WRONG RESULT: attention(q, k, v)
      absent            —  did not run: computes in f32 only

    prefill-f32: broken's result is wrong: max error 3.0e-1 > 1.0e-4; its time is that of a wrong result.
    "
  `);
});

test('a table names the browser of a page', () => {
  const lines = renderTable({ ...sampleReport, browser: 'Chromium 156.0' }).split('\n');
  expect(lines[2]).toMatch(/^2026-11-21, Chromium 156\.0, heed 0\.1\.0/);
});

test('a table says that heed was tuned', () => {
  const tuning = { version: 1, entries: { a: {}, b: {} } } as const;
  const lines = renderTable({ ...sampleReport, tuning }).split('\n');
  expect(lines[3]).toBe('heed tuned for 2 problems');
});
