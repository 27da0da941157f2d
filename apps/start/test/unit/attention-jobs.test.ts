import { expect, test } from 'vitest';
import { fromSlots, toSlots } from '../../src/attention-jobs.ts';

const shape = { cuSeqlens: Int32Array.of(0, 2, 3), heads: 2, capacity: 4, dim: 3 };
const packed = Float32Array.from({ length: 3 * 2 * 3 }, (_, i) => i + 1);

test('rows land in their slot, head-major, and the rest is filler', () => {
  const slots = toSlots(packed, shape, NaN);
  expect(slots).toHaveLength(2 * 2 * 4 * 3);
  const row = (b: number, h: number, i: number): number[] => [
    ...slots.subarray(((b * 2 + h) * 4 + i) * 3, ((b * 2 + h) * 4 + i + 1) * 3),
  ];
  expect(row(0, 0, 0)).toEqual([1, 2, 3]);
  expect(row(0, 1, 0)).toEqual([4, 5, 6]);
  expect(row(0, 1, 1)).toEqual([10, 11, 12]);
  expect(row(1, 0, 0)).toEqual([13, 14, 15]);
  expect(row(0, 0, 2)).toEqual([NaN, NaN, NaN]);
  expect(row(1, 1, 1)).toEqual([NaN, NaN, NaN]);
});

test('the way back gives the packed rows', () => {
  expect(fromSlots(toSlots(packed, shape, NaN), shape)).toEqual(packed);
});
