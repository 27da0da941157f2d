import { expect, test } from 'vitest';
import { inPages } from '../../src/measure/bench-problem.ts';
import { padRows, sliceRows, swapMiddle, unpadRows } from '../../src/measure/row-layouts.ts';
import { type Workload, workloads } from '../../src/measure/workloads.ts';
import { additiveMask } from '../../src/peers/tensorflow-js.ts';

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

/** Returns the rows that a sequence reads through its block table. */
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

const counting = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i);

test('swapMiddle moves [outer, a, b, inner] to [outer, b, a, inner]', () => {
  const [outer, a, b, inner] = [2, 3, 4, 5];
  const swapped = swapMiddle(counting(120), [outer, a, b, inner]);
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < a; i++)
      for (let j = 0; j < b; j++)
        for (let d = 0; d < inner; d++)
          expect(swapped[((o * b + j) * a + i) * inner + d]).toBe(
            ((o * a + i) * b + j) * inner + d,
          );
});

test('padRows puts zeros after each sequence and unpadRows takes them away', () => {
  const packed = counting(12).map((x) => x + 1);
  const padded = padRows(packed, [1, 0, 3], 4, 3);
  expect([...padded.subarray(0, 6)]).toEqual([1, 2, 3, 0, 0, 0]);
  expect([...padded.subarray(12, 24)]).toEqual(Array(12).fill(0));
  expect([...padded.subarray(24, 36)]).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0]);
  expect(unpadRows(padded, [1, 0, 3], 4, 3)).toEqual(packed);
});

test('sliceRows keeps the named rows of every sequence', () => {
  expect([...sliceRows(counting(12), [2, 3, 2], 1, 3)]).toEqual([2, 3, 4, 5, 8, 9, 10, 11]);
});

const maskWorkload = (causal: boolean, ...sequences: [number, number][]): Workload => ({
  id: '',
  title: '',
  dtype: 'f32',
  layout: 'packed',
  causal,
  headsQ: 1,
  headsKv: 1,
  headDim: 1,
  sequences: sequences.map(([seqlenQ, seqlenK]) => ({ seqlenQ, seqlenK })),
});
/** Returns one string per row, with 1 where a query sees a key. */
const picture = (mask: Float32Array | undefined, maxK: number): string[] => {
  const marks = [...(mask ?? [])].map((x) => (x === 0 ? '1' : '.')).join('');
  return marks.match(new RegExp(`.{${maxK}}`, 'g')) ?? [];
};

test('no mask where every query sees every key', () => {
  expect(additiveMask(maskWorkload(false, [2, 3], [2, 3]))).toBeUndefined();
  expect(additiveMask(maskWorkload(true, [1, 4]))).toBeUndefined();
});

test('the causal diagonal is tied to the end', () => {
  expect(picture(additiveMask(maskWorkload(true, [2, 3])), 3)).toEqual(['11.', '111']);
});

test('keys before a window are hidden', () => {
  const mask = additiveMask({ ...maskWorkload(true, [4, 4]), window: 1 });
  expect(picture(mask, 4)).toEqual(['1...', '11..', '.11.', '..11']);
  const decode = additiveMask({ ...maskWorkload(true, [1, 4]), window: 2 });
  expect(picture(decode, 4)).toEqual(['.111']);
});

test('keys past a length are hidden, and no row is empty', () => {
  const causal = picture(additiveMask(maskWorkload(true, [3, 3], [1, 1])), 3);
  expect(causal).toEqual(['1..', '11.', '111', '1..', '1..', '1..']);
  const full = picture(additiveMask(maskWorkload(false, [2, 3], [2, 1])), 3);
  expect(full).toEqual(['111', '111', '1..', '1..']);
});
