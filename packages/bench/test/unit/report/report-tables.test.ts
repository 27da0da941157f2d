import { Window } from 'happy-dom';
import { expect, test } from 'vitest';
import { summarize } from '../../../src/measure/timing.ts';
import { renderMarkdown } from '../../../src/report/report-markdown.ts';
import { renderPlot } from '../../../src/report/report-plot.ts';
import { columns, renderTable } from '../../../src/report/report-tables.ts';
import { sampleReport } from './sample-report.ts';

test('the first column is to the left, others to the right; the end of a short row runs on', () => {
  expect(
    columns([
      ['a', 'ms', 'x'],
      ['heed', '12.00', 'y'],
      ['gone', 'did not run at all'],
    ]),
  ).toEqual(['a        ms  x', 'heed  12.00  y', 'gone  did not run at all']);
});

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

const placed = (name: string, ms: number) => ({
  name,
  how: name,
  firstUseMs: 1,
  ms: summarize([ms]),
  ratio: summarize([ms / 10]),
  samples: [ms],
});
const comparisons = [
  {
    id: 'mods',
    title: 'mods | fused',
    rounds: 1,
    placed: [
      placed('plain', 10),
      placed('slow', 12_345),
      { ...placed('a mod', 12), atMost: 1.1, distance: { maxError: 1, limit: 0.1 } },
    ],
    skipped: [],
  },
];

test('rows and comparisons are tables, what is wrong is marked, and cells hold no bars', () => {
  expect(`\n${renderMarkdown({ ...sampleReport, comparisons })}`).toMatchInlineSnapshot(`
    "
    some &lt;adapter> & driver; Node 24.0.0; heed 0.1.0, other 2.0.0, broken 3.0.0, absent 4.0.0; 2026-11-21.

    Median of (its time / heed’s time in the same round); above 1, heed is faster. ✗ marks a wrong result, timed all the same.

    | work | heed | GFLOP/s | of roof | first use | other | broken | absent |
    | --- | --- | --- | --- | --- | --- | --- | --- |
    | prefill f32, B1 S1024 H8 D64 | 40.0 ms | 2.50 | 50 % | 1.2 s | 1.50× | 2.25× ✗ | computes in f32 only |

    | work | call | time / first | promised | median |
    | --- | --- | --- | --- | --- |
    | mods \\| fused | plain | 1 |  | 10.0 ms |
    |  | slow | 1234.500 |  | 12345 ms |
    |  | a mod ✗ | 1.200 | ≤ 1.100 ✗ | 12.0 ms |
    "
  `);
});

test('what there is none of has no table', () => {
  const text = renderMarkdown({ ...sampleReport, rows: [], browser: 'Chromium 156.0' });
  expect(text).toBe(
    'some &lt;adapter> & driver; Chromium 156.0; heed 0.1.0, other 2.0.0, broken 3.0.0, absent 4.0.0; 2026-11-21.\n',
  );
});

const svg = renderPlot(sampleReport);
const parsed = new new Window().DOMParser().parseFromString(svg, 'image/svg+xml');
const circles = [...parsed.querySelectorAll('circle')];

test('a plot is one SVG file that names its adapter', () => {
  expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www.w3.org\/2000\/svg"/);
  expect(parsed.querySelector('.made-on')?.textContent).toBe('some <adapter> & driver, 2026-11-21');
});

test('a plot names the browser of a page', () => {
  const page = renderPlot({ ...sampleReport, browser: 'Chromium 156.0' });
  expect(page).toContain(' driver in Chromium 156.0, 2026-11-21');
});

test('it has a dot for each program that ran, except heed; the wrong one is hollow', () => {
  expect(circles).toHaveLength(2);
  expect(circles.map((circle) => circle.getAttribute('fill'))).toEqual(['#1f5fa8', 'white']);
  expect(svg).toContain('1.50×');
  expect(svg).toContain('2.25×');
});

test('a slower program lies further to the right', () => {
  const [right = 0, wrong = 0] = circles.map((circle) => Number(circle.getAttribute('cx')));
  expect(wrong).toBeGreaterThan(right);
});
