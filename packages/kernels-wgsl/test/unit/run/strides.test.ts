import type { Tensor } from '@heed/core';
import { rowMajorStrides } from '@heed/core/kernel';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../../src/host/attention-call.ts';
import { keyAxes, lseStrides, queryAxes, stridesOf } from '../../../src/host/memory-layout.ts';

const layouts = {
  dense: { lengths: 'dense', keys: 'strided' },
  packed: { lengths: 'varlen', keys: 'strided' },
  paged: { lengths: 'varlen', keys: 'paged' },
} as const;
const call = (layout: keyof typeof layouts): Call => layouts[layout] as unknown as Call;
const tensor = (shape: number[], strides = rowMajorStrides(shape)): Tensor =>
  ({ shape, strides }) as unknown as Tensor;
const bound = { elementOffset: 5 } as never;

describe('stridesOf', () => {
  it.for([
    ['dense', [2, 4, 10, 8], { batch: 320, head: 80, row: 8, dim: 1 }],
    ['packed', [10, 4, 8], { batch: 0, head: 8, row: 32, dim: 1 }],
    ['paged', [9, 16, 4, 8], { batch: 512, head: 8, row: 32, dim: 1 }],
  ] as const)('of %s keys are found by meaning', ([layout, shape, want]) => {
    const values = stridesOf(tensor([...shape]), bound, keyAxes(call(layout)));
    expect(values).toEqual({ offset: 5, ...want });
  });

  it('of queries are packed where keys are paged', () => {
    expect(queryAxes(call('paged'))).toEqual(queryAxes(call('packed')));
  });

  it('let a batch of 1 serve every batch entry', () => {
    const shared = tensor([1, 4, 10, 8]);
    expect(stridesOf(shared, bound, keyAxes(call('dense')))).toMatchObject({ batch: 0 });
  });

  it('leave out the axis of splits', () => {
    const parts = stridesOf(tensor([3, 2, 4, 10, 8]), bound, queryAxes(call('dense'), 1));
    expect(parts).toMatchObject({ batch: 320, head: 80, row: 8, dim: 1 });
  });
});

describe('lseStrides', () => {
  it.for([
    ['dense', [2, 4, 10], 0, { batch: 40, head: 10, row: 1, split: 0 }],
    ['packed', [4, 10], 0, { batch: 0, head: 10, row: 1, split: 0 }],
    ['dense', [3, 2, 4, 10], 1, { batch: 40, head: 10, row: 1, split: 80 }],
    ['packed', [3, 4, 10], 1, { batch: 0, head: 10, row: 1, split: 40 }],
  ] as const)('of %s %j', ([layout, shape, leading, want]) => {
    const values = lseStrides(call(layout), tensor([...shape]), bound, leading);
    expect(values).toEqual({ offset: 5, ...want });
  });

  it('are zeros where no lse is wanted', () => {
    const values = lseStrides(call('dense'), undefined, undefined, 1);
    expect(new Set(Object.values(values))).toEqual(new Set([0]));
  });
});
