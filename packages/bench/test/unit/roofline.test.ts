import { expect, test } from 'vitest';
import { bytesOf, roofMs } from '../../src/roofline/roof.ts';
import { workloads } from '../../src/workloads.ts';

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
