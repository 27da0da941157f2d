import { describe, expect, test } from 'vitest';
import { fromSlots, toSlots } from '../../src/attention-jobs.ts';
import type { Pack } from '../../src/packed-documents.ts';
import { project } from '../../src/projections.ts';

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

const heads = { query: 4, kv: 2, dim: 16 };
const pack: Pack = {
  paths: ['a', 'b'],
  tokens: Int32Array.of(7, 8, 7, 7, 9),
  cuSeqlens: Int32Array.of(0, 3, 5),
  maxSeqlen: 3,
};
const { q, k, v } = project(pack, heads);
const row = (x: Float32Array, t: number): number[] => [
  ...x.subarray((t * x.length) / 5, ((t + 1) * x.length) / 5),
];

describe('project', () => {
  test('gives one row a token: q [T, 4, 16], k and v [T, 2, 16]', () => {
    expect([q.length, k.length, v.length]).toEqual([5 * 4 * 16, 5 * 2 * 16, 5 * 2 * 16]);
  });

  test('gives the same token at the same place of any document the same row', () => {
    expect(row(q, 3)).toEqual(row(q, 0));
  });

  test('tells tokens and places apart, and q, k, v', () => {
    expect(row(k, 1)).not.toEqual(row(k, 0));
    expect(row(k, 2)).not.toEqual(row(k, 0));
    expect(row(k, 0)).not.toEqual(row(v, 0));
  });

  test('keeps values near unit size, so that softmax is neither flat nor a maximum', () => {
    const variance = q.reduce((sum, x) => sum + x * x, 0) / q.length;
    expect(variance).toBeGreaterThan(0.5);
    expect(variance).toBeLessThan(4);
  });
});
