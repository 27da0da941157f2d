import type { Tensor } from '@heed/core';
import { rowMajorStrides } from '@heed/core/kernel';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../../src/api/call.ts';
import { keyAxes, lseStrideValues, queryAxes, strideValues } from '../../../src/run/strides.ts';

const layouts = {
  dense: { lengths: 'dense', keys: 'strided' },
  packed: { lengths: 'varlen', keys: 'strided' },
  paged: { lengths: 'varlen', keys: 'paged' },
} as const;
const call = (layout: keyof typeof layouts): Call => layouts[layout] as unknown as Call;
const tensor = (shape: number[], strides = rowMajorStrides(shape)): Tensor =>
  ({ shape, strides }) as unknown as Tensor;
const bound = { elementOffset: 5 } as never;

describe('strideValues', () => {
  it.for([
    ['dense', [2, 4, 10, 8], { x_batch: 320, x_head: 80, x_row: 8, x_dim: 1 }],
    ['packed', [10, 4, 8], { x_batch: 0, x_head: 8, x_row: 32, x_dim: 1 }],
    ['paged', [9, 16, 4, 8], { x_batch: 512, x_head: 8, x_row: 32, x_dim: 1 }],
  ] as const)('of %s keys are named by meaning', ([layout, shape, want]) => {
    const values = strideValues('x', tensor([...shape]), bound, keyAxes(call(layout)));
    expect(values).toEqual({ x_offset: 5, ...want });
  });

  it('of queries are packed where keys are paged', () => {
    expect(queryAxes(call('paged'))).toEqual(queryAxes(call('packed')));
  });

  it('let a batch of 1 serve every batch entry', () => {
    const shared = tensor([1, 4, 10, 8]);
    expect(strideValues('k', shared, bound, keyAxes(call('dense')))).toMatchObject({ k_batch: 0 });
  });

  it('leave out the axis of splits', () => {
    const parts = strideValues('out', tensor([3, 2, 4, 10, 8]), bound, queryAxes(call('dense'), 1));
    expect(parts).toMatchObject({ out_batch: 320, out_head: 80, out_row: 8, out_dim: 1 });
  });
});

describe('lseStrideValues', () => {
  it.for([
    ['dense', [2, 4, 10], 0, { lse_batch: 40, lse_head: 10, lse_row: 1, lse_split: 0 }],
    ['packed', [4, 10], 0, { lse_batch: 0, lse_head: 10, lse_row: 1, lse_split: 0 }],
    ['dense', [3, 2, 4, 10], 1, { lse_batch: 40, lse_head: 10, lse_row: 1, lse_split: 80 }],
    ['packed', [3, 4, 10], 1, { lse_batch: 0, lse_head: 10, lse_row: 1, lse_split: 40 }],
  ] as const)('of %s %j', ([layout, shape, leading, want]) => {
    const values = lseStrideValues(call(layout), tensor([...shape]), bound, leading);
    expect(values).toEqual({ lse_offset: 5, ...want });
  });

  it('are zeros where no lse is wanted', () => {
    const values = lseStrideValues(call('dense'), undefined, undefined, 1);
    expect(new Set(Object.values(values))).toEqual(new Set([0]));
  });
});
