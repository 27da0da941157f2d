import { describe, expect, test } from 'vitest';
import { expectedOf } from '../../src/expected.ts';
import { problemOf } from '../../src/inputs.ts';
import { judge, maxErrorOf } from '../../src/verdict.ts';
import type { Workload } from '../../src/workloads.ts';

const small: Workload = {
  id: 'small',
  title: 'small',
  dtype: 'f32',
  layout: 'packed',
  causal: true,
  headsQ: 2,
  headsKv: 1,
  headDim: 8,
  sequences: [3, 5].map((length) => ({ seqlenQ: length, seqlenK: length })),
};
const want = expectedOf(problemOf(small));
const right = Float32Array.from(want.out.data);
const spoiled = (by: number): Float32Array => right.with(7, (right[7] as number) + by);

describe('maxErrorOf', () => {
  test('is the largest distance', () => {
    expect(maxErrorOf([1, 2.5, 3], [1, 2, 3.25])).toBe(0.5);
  });

  test('is infinite for NaN, infinities and a wrong count', () => {
    expect(maxErrorOf([NaN], [0])).toBe(Infinity);
    expect(maxErrorOf([Infinity], [0])).toBe(Infinity);
    expect(maxErrorOf([0], [0, 0])).toBe(Infinity);
  });
});

describe('judge', () => {
  test('holds heed to the conformance budget', () => {
    expect(judge('heed', small, right, want).right).toBe(true);
    expect(judge('heed', small, spoiled(want.budgets.out.limit * 2), want).right).toBe(false);
  });

  test('allows another program more, but no fault', () => {
    expect(judge('other', small, spoiled(want.budgets.out.limit * 2), want).right).toBe(true);
    expect(judge('other', small, spoiled(1e-3), want)).toMatchObject({ right: false, limit: 1e-4 });
    expect(judge('other', small, new Float32Array(), want)).toMatchObject({
      right: false,
      maxError: Infinity,
    });
  });
});
