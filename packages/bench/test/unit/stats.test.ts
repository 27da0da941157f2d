import { describe, expect, test } from 'vitest';
import { pairedRatios, quantile, summarize } from '../../src/stats.ts';

describe('quantile', () => {
  test('is the middle sample of an odd count, the mean of the two middle ones of an even count', () => {
    expect(quantile([9, 1, 5], 0.5)).toBe(5);
    expect(quantile([9, 1, 5, 7], 0.5)).toBe(6);
  });

  test('sorts numbers, not their text', () => {
    expect(quantile([100, 9, 20], 1)).toBe(100);
  });

  test('interpolates between order statistics', () => {
    expect(quantile([0, 10, 20, 30, 40], 0.3)).toBeCloseTo(12);
  });

  test('leaves the samples as they were', () => {
    const samples = [3, 1, 2];
    quantile(samples, 0.5);
    expect(samples).toEqual([3, 1, 2]);
  });

  test('names the fix when there are no samples', () => {
    expect(() => quantile([], 0.5)).toThrow(/at least one sample/);
  });
});

test('a summary holds the extremes and quartiles', () => {
  expect(summarize([4, 1, 3, 2, 5])).toEqual({ median: 3, min: 1, max: 5, q1: 2, q3: 4 });
});

describe('pairedRatios', () => {
  test('divides round by round, so that a slow round of both sides cancels out', () => {
    expect([...pairedRatios([2, 20, 2], [1, 10, 1])]).toEqual([2, 2, 2]);
  });

  test('refuses series of unequal length', () => {
    expect(() => pairedRatios([1, 2], [1])).toThrow(/one sample per round; got 2 and 1/);
  });
});
