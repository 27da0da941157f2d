import { expect, test } from 'vitest';
import { renderMarkdown } from '../../../src/report/markdown.ts';
import { summarize } from '../../../src/stats.ts';
import { sampleReport } from './sample-report.ts';

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
