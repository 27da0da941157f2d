import { describe, expect, test } from 'vitest';
import { problemOf } from '../../src/measure/bench-problem.ts';
import { flopsOf } from '../../src/measure/roofline.ts';
import { expectedOf, judge, maxErrorOf } from '../../src/measure/verdict.ts';
import {
  type AdapterClass,
  sized,
  type Workload,
  workloads,
  workloadsFor,
} from '../../src/measure/workloads.ts';

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

test('row ids differ and are the same for every adapter', () => {
  const ids = workloads.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(workloadsFor('gpu').map(({ id }) => id)).toEqual(ids);
  expect(workloadsFor('page-cpu').map(({ id }) => id)).toEqual(ids);
});

test('a title tells the heads and lengths that a layer of a model runs with', () => {
  const row = (adapter: 'cpu' | 'gpu') =>
    workloadsFor(adapter).find(({ id }) => id === 'llama3-8b-prefill')!;
  expect(row('cpu').title).toBe('a layer of Llama-3-8B, prefill f32, S256, 32/8 heads D128');
  expect(row('gpu').title).toBe('a layer of Llama-3-8B, prefill f16, S1024, 32/8 heads D128');
});

test('a row on the CPU of a page is a small one of the same kind, and its title says so', () => {
  const row = (adapter: AdapterClass) =>
    workloadsFor(adapter).find(({ id }) => id === 'varlen-f32')!;
  expect(flopsOf(row('page-cpu'))).toBeLessThan(flopsOf(row('cpu')) / 4);
  expect(row('page-cpu').title).toContain('8 documents of 2 to 98 tokens');
  expect(row('cpu').title).toContain('8 documents of 5 to 389 tokens');
  expect(sized([row('cpu')], 'page-cpu')).toEqual([row('page-cpu')]);
});

test('heads fill their groups, lengths their kinds', () => {
  for (const { headsQ, headsKv, layout, pageSize, sequences, causal, window } of workloads) {
    expect(headsQ % headsKv).toBe(0);
    expect(pageSize !== undefined).toBe(layout === 'paged');
    expect(causal || window === undefined).toBe(true);
    if (layout === 'dense') expect(new Set(sequences.map(({ seqlenK }) => seqlenK)).size).toBe(1);
  }
});
