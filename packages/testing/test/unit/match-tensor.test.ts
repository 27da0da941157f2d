import { expect, test } from 'vitest';
import '../../src/match-tensor.ts';
import { describeMismatch } from '../../src/match-tensor.ts';

test('equal lists have no mismatch', () => {
  expect(describeMismatch([1, NaN, -Infinity], [1, NaN, -Infinity])).toBeUndefined();
});

test('the tolerance is inclusive, and one past it is not', () => {
  expect(describeMismatch([1.5], [1], { tolerance: 0.5 })).toBeUndefined();
  expect(describeMismatch([1.5], [1], { tolerance: 0.49 })).toContain('1 of 1 elements differ');
  expect(describeMismatch([1, 3], [1, 2], { tolerance: [0, 1] })).toBeUndefined();
});

test('a non-finite number matches only itself, whatever the tolerance', () => {
  for (const [got, want] of [
    [NaN, 0],
    [0, NaN],
    [Infinity, -Infinity],
    [Infinity, 1],
  ] as const) {
    expect(describeMismatch([got], [want], { tolerance: Infinity })).toBeDefined();
  }
});

test('exact tells the zeros apart', () => {
  expect(describeMismatch([-0], [0])).toBeUndefined();
  expect(describeMismatch([-0], [0], { exact: true })).toBeDefined();
});

test('a length difference is a mismatch', () => {
  expect(describeMismatch([1], [1, 2])).toBe('got 1 elements, want 2');
});

test('the table marks mismatches, shows neighbours and prints coordinates', () => {
  const table = describeMismatch([1, 2, 9, 4], [1, 2, 3, 4], { shape: [2, 2] });
  expect(table).toMatchInlineSnapshot(`
    "1 of 4 elements differ; largest error 6 at [1, 0]
       index   got  want  error
       [0, 1]  2    2     0
    ✗  [1, 0]  9    3     6
       [1, 1]  4    4     0"
  `);
});

test('passes on equal lists, and its negation on others', () => {
  expect(Float32Array.of(1, 2)).toMatchTensor([1, 2]);
  expect([1, 2]).not.toMatchTensor([1, 3]);
});

test('fails with the table', () => {
  expect(() => expect([1, 2]).toMatchTensor([1, 3], { shape: [1, 2] })).toThrow('[0, 1]');
});
