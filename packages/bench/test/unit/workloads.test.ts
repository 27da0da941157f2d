import { expect, test } from 'vitest';
import { flopsOf } from '../../src/flops.ts';
import { type AdapterClass, sized, workloads, workloadsFor } from '../../src/workloads.ts';

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
