import { describe, expect, test } from 'vitest';
import { checkDecode, checkPrefill, reference } from '../../src/compare.ts';
import { lastRows } from '../../src/decode.ts';
import type { Pack } from '../../src/pack.ts';
import { project } from '../../src/project.ts';
import { verdictOf } from '../../src/report.ts';

const pack: Pack = {
  paths: ['a', 'b'],
  tokens: Int32Array.of(5, 6, 7, 8, 9, 10, 11),
  cuSeqlens: Int32Array.of(0, 4, 7),
  maxSeqlen: 4,
};
const heads = { query: 4, kv: 2, dim: 8 };
const row = heads.query * heads.dim;
const want = reference(pack, project(pack, heads));
const prefill = Float32Array.from(want.out.data);
const decode = Float32Array.from(lastRows(want.out.data, pack.cuSeqlens, row));
const corrupt = (x: Float32Array, index: number, value: (was: number) => number): Float32Array =>
  x.with(index, value(x[index] as number));

test('the decode step is compared with the last row of each document', () => {
  expect(decode).toEqual(
    Float32Array.from([
      ...prefill.subarray(3 * row, 4 * row),
      ...prefill.subarray(6 * row, 7 * row),
    ]),
  );
});

test('right results are within their budget', () => {
  const checks = [
    checkPrefill('prefill', prefill, want),
    checkDecode('decode', decode, want, pack.cuSeqlens),
  ];
  expect(checks.map(({ ok }) => ok)).toEqual([true, true]);
  expect(verdictOf(checks)).toBe('right');
});

describe('one corrupted value makes the verdict wrong', () => {
  test.each<[string, (was: number) => number]>([
    ['a value just past the budget', (was) => was + 3 * want.budgets.out.limit],
    ['a NaN', () => NaN],
    ['an infinity', () => Infinity],
  ])('%s', (_, value) => {
    const first = checkPrefill('prefill', corrupt(prefill, 0, value), want);
    const last = checkPrefill('prefill', corrupt(prefill, prefill.length - 1, value), want);
    const step = checkDecode('decode', corrupt(decode, 9, value), want, pack.cuSeqlens);
    for (const check of [first, last, step]) {
      expect(check.ok).toBe(false);
      expect(verdictOf([checkPrefill('fine', prefill, want), check])).toBe('wrong');
    }
  });

  test('a missing row', () => {
    expect(checkPrefill('prefill', prefill.subarray(row), want).ok).toBe(false);
  });

  test('rows of two documents exchanged', () => {
    const exchanged = Float32Array.from([...decode.subarray(row), ...decode.subarray(0, row)]);
    expect(checkDecode('decode', exchanged, want, pack.cuSeqlens).ok).toBe(false);
  });
});
