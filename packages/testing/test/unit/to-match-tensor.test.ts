import { expect, test } from 'vitest';
import '../../src/to-match-tensor.ts';

test('passes on equal lists, and its negation on others', () => {
  expect(Float32Array.of(1, 2)).toMatchTensor([1, 2]);
  expect([1, 2]).not.toMatchTensor([1, 3]);
});

test('fails with the table', () => {
  expect(() => expect([1, 2]).toMatchTensor([1, 3], { shape: [1, 2] })).toThrow('[0, 1]');
});
