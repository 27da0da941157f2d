import { expect, test } from 'vitest';
import { inPages } from '../../src/pages.ts';
import { workloads } from '../../src/workloads.ts';

const workload = {
  ...workloads[0]!,
  layout: 'paged',
  pageSize: 2,
  sequences: [
    { seqlenQ: 1, seqlenK: 3 },
    { seqlenQ: 2, seqlenK: 2 },
    { seqlenQ: 1, seqlenK: 5 },
  ],
} as const;
// Ten rows of one number, 1 to 10.
const rows = Float32Array.from({ length: 10 }, (_, i) => i + 1);

/** What a sequence finds through its table. */
function rowsOf({ pool, table, maxPages }: ReturnType<typeof inPages>, n: number): number[] {
  return [...table.subarray(n * maxPages, (n + 1) * maxPages)]
    .filter((page) => page >= 0)
    .flatMap((page) => [...pool.subarray(2 * page, 2 * page + 2)]);
}

test('every row is found through the table, and pages are not in order', () => {
  const made = inPages(workload, rows, 1);
  expect(made).toMatchObject({ pages: 6, maxPages: 3 });
  expect([0, 1, 2].map((n) => rowsOf(made, n))).toEqual([
    [1, 2, 3, 0],
    [4, 5],
    [6, 7, 8, 9, 10, 0],
  ]);
  const used = made.table.filter((page) => page >= 0);
  expect(used.toSorted()).toEqual(Int32Array.of(0, 1, 2, 3, 4, 5));
  expect(used).not.toEqual(used.toSorted());
});

test('the past alone leaves the rows of the queries out', () => {
  const made = inPages(workload, rows, 1, { pastOnly: true });
  expect([0, 1, 2].map((n) => rowsOf(made, n))).toEqual([
    [1, 2, 0, 0],
    [0, 0],
    [6, 7, 8, 9, 0, 0],
  ]);
});
