import { describe, expect, test } from 'vitest';
import { bytesOf, flopsOf, roofMs, visiblePairs } from '../../src/measure/roofline.ts';
import { workloads } from '../../src/measure/workloads.ts';

const workload = (id: string) => workloads.find((one) => one.id === id)!;

test('a prefill moves q, k, v and out once', () => {
  expect(bytesOf(workload('prefill-f32'))).toBe(4 * 8 * 1024 * 64 * 4);
  expect(bytesOf(workload('prefill-f16'))).toBe(4 * 8 * 1024 * 64 * 2);
});

test('a decode moves its cache', () => {
  expect(bytesOf(workload('decode-f32'))).toBe((2 * 32 + 2 * 8 * 2049) * 64 * 4);
});

test('of keys behind a window it moves none', () => {
  const row = { ...workload('decode-f32'), window: 127 };
  expect(bytesOf(row)).toBe((2 * 32 + 2 * 8 * 128) * 64 * 4);
});

test('the roof is that of the scarcer thing', () => {
  const limits = { gflops: 100, gigabytes: 10 };
  expect(roofMs(limits, 2e9, 1e6)).toBe(20);
  expect(roofMs(limits, 1e6, 2e9)).toBe(200);
});

function countPairs(seqlenQ: number, seqlenK: number): number {
  let pairs = 0;
  for (let i = 0; i < seqlenQ; i++)
    for (let j = 0; j < seqlenK; j++) if (j <= i + seqlenK - seqlenQ) pairs++;
  return pairs;
}

describe('visiblePairs', () => {
  test.each([
    [1, 1],
    [1, 2049],
    [5, 5],
    [3, 7],
    [7, 3],
    [0, 4],
  ])('counts the causal triangle of %i queries and %i keys', (seqlenQ, seqlenK) => {
    expect(visiblePairs(seqlenQ, seqlenK, true)).toBe(countPairs(seqlenQ, seqlenK));
  });

  test('a window leaves a query itself and so many keys before it', () => {
    // 1, 2, 3, 3, 3 keys.
    expect(visiblePairs(5, 5, true, 2)).toBe(12);
    expect(visiblePairs(1, 2049, true, 127)).toBe(128);
    expect(visiblePairs(3, 3, true, 9)).toBe(6);
  });

  test('counts the whole rectangle without a mask', () => {
    expect(visiblePairs(3, 7, false)).toBe(21);
  });
});

test('dense prefill needs 4·B·H·S²·D operations', () => {
  const [prefill] = workloads;
  expect(prefill?.id).toBe('prefill-f32');
  expect(flopsOf(prefill as (typeof workloads)[number])).toBe(4 * 8 * 1024 ** 2 * 64);
});

test('sequences add up, and padding counts nothing', () => {
  const one = {
    id: '',
    title: '',
    dtype: 'f32',
    layout: 'packed',
    causal: true,
    headsQ: 2,
    headsKv: 1,
    headDim: 8,
  } as const;
  const lengths = [3, 5].map((length) => ({ seqlenQ: length, seqlenK: length }));
  expect(flopsOf({ ...one, sequences: lengths })).toBe(4 * 8 * 2 * (6 + 15));
});
