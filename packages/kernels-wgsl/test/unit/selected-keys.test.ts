import { LimitError } from '@heed/core';
import { attention, planAttention } from '@heed/kernels-wgsl';
import { describe, expect, it } from 'vitest';
import { makeSample, toTunable } from '../../src/tune/sample.ts';
import { capabilities, gpuOf } from './facts.ts';

describe('lists of selected keys', () => {
  it('that exceed one binding are refused, and the message says how many rows fit', async () => {
    using gpu = await gpuOf(capabilities({}, { maxStorageBufferBindingSize: 4096 }));
    const x = gpu.empty([1, 1, 64, 4]);
    const lists = (entries: number) => gpu.empty([1, 1, 64, entries], { dtype: 'i32' });
    expect(() => attention(x, x, x, { selectedKeys: lists(16) })).not.toThrow();
    const call = (): unknown => attention(x, x, x, { selectedKeys: lists(32) });
    expect(call).toThrow(LimitError);
    expect(call).toThrow(/at most 32 query rows at a time/);
  });

  it('share tiles among the heads of a kv head, unless each query head has its own', async () => {
    using gpu = await gpuOf(capabilities());
    const problem = { layout: 'dense', q: [1, 8, 3, 64], k: [1, 2, 70, 64] } as const;
    const rowsOf = (heads: number): string => {
      using plan = planAttention(gpu, { ...problem, selectedKeys: [1, heads, 3, 20] });
      return /rows=(\w+)/.exec(plan.describe())![1]!;
    };
    expect([1, 2, 8].map(rowsOf)).toEqual(['group', 'group', 'head']);
  });

  it('of a sample for tuning name keys', async () => {
    using gpu = await gpuOf(capabilities());
    const problem = {
      layout: 'dense',
      q: [1, 4, 3, 16],
      k: [1, 2, 70, 16],
      selectedKeys: [1, 1, 3, 20],
      selectedBlockSize: 7,
    } as const;
    const sample = makeSample(gpu, toTunable('tune', problem));
    expect(sample.call.selected).toMatchObject({ entries: 20, blockSize: 7, rows: 'group' });
    sample.dispose();
  });
});
