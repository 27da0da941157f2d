import { expect, test } from 'vitest';
import { padRows, sliceRows, swapMiddle, unpadRows } from '../../src/layouts.ts';

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
