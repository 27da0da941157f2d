import { LimitError, type Tensor } from '@heed/core';
import { rowMajorStrides } from '@heed/core/kernel';
import { describe, expect, it } from 'vitest';
import type { Call } from '../../src/host/attention-call.ts';
import { checkMemory } from '../../src/host/launch-target.ts';
import {
  keyAxes,
  lseStrides,
  type MemoryLayout,
  queryAxes,
  readAccess,
  stridesOf,
  writeAccess,
} from '../../src/host/memory-layout.ts';

const whole: MemoryLayout = {
  shape: [2, 4, 10, 64],
  strides: [2560, 640, 64, 1],
  byteOffset: 0,
  dtype: 'f32',
};
const half: MemoryLayout = { ...whole, dtype: 'f16' };

describe('readAccess', () => {
  it.for([
    ['contiguous', whole, 'vec4'],
    ['permuted heads and rows', { ...whole, strides: [2560, 64, 256, 1] }, 'vec4'],
    ['an offset of 4 elements', { ...whole, byteOffset: 16 }, 'vec4'],
    ['an offset of 4 halves', { ...half, byteOffset: 8 }, 'vec4'],
    ['a broadcast batch', { ...whole, strides: [0, 640, 64, 1] }, 'vec4'],
    [
      'an odd stride of an axis of 1',
      { ...whole, shape: [1, 4, 10, 64], strides: [7, 640, 64, 1] },
      'vec4',
    ],
    ['an offset of 1 element', { ...whole, byteOffset: 4 }, 'scalar'],
    ['an offset of 2 halves', { ...half, byteOffset: 4 }, 'scalar'],
    ['rows 65 apart', { ...whole, strides: [2600, 650, 65, 1] }, 'scalar'],
    ['every second element', { ...whole, strides: [5120, 1280, 128, 2] }, 'scalar'],
    ['a last axis of 63', { ...whole, shape: [2, 4, 10, 63] }, 'scalar'],
    ['a last axis of 1', { ...whole, shape: [2, 4, 10, 1], strides: [40, 10, 1, 1] }, 'scalar'],
  ] as const)('%s', ([, layout, access]) => {
    expect(readAccess([layout])).toBe(access);
  });

  it('reads eight halves at a time where the kernel can and every row of halves starts so', () => {
    expect(readAccess([half, half], true)).toBe('vec8');
    expect(readAccess([whole, half], true)).toBe('vec8');
    expect(readAccess([whole, whole], true)).toBe('vec4');
    expect(readAccess([half, { ...half, byteOffset: 8 }], true)).toBe('vec4');
    expect(readAccess([half, { ...half, shape: [2, 4, 10, 60] }], true)).toBe('vec4');
    expect(readAccess([half, { ...half, byteOffset: 4 }], true)).toBe('scalar');
  });

  it('has one answer for all tensors', () => {
    const odd = { ...whole, byteOffset: 4 };
    expect(readAccess([whole, whole, odd])).toBe('scalar');
    expect(readAccess([whole, half])).toBe('vec4');
  });
});

describe('readAccess of q over pages of words', () => {
  const words: MemoryLayout = {
    ...whole,
    shape: [9, 16, 2, 17],
    strides: [544, 34, 17, 1],
    dtype: 'u32',
  };
  it('is that of q, whatever the words of a row and where they start', () => {
    expect(readAccess([whole, words, { ...words, byteOffset: 4 }])).toBe('vec4');
    expect(readAccess([{ ...whole, byteOffset: 4 }, words, words])).toBe('scalar');
  });
});

describe('writeAccess', () => {
  const narrow: MemoryLayout = { ...half, shape: [2, 4, 10, 5], strides: [240, 60, 6, 1] };
  it.for([
    ['f32', whole, 'vec4'],
    ['f16', half, 'vec4'],
    ['f32, rows 65 apart', { ...whole, strides: [2600, 650, 65, 1] }, 'scalar'],
    ['f16, rows 66 apart', { ...half, strides: [2640, 660, 66, 1] }, 'pair'],
    ['f16, rows 65 apart', { ...half, strides: [2600, 650, 65, 1] }, 'scalar'],
    ['f16, odd rows on even starts', narrow, 'pair'],
    ['f16, odd rows on odd starts', { ...narrow, strides: [200, 50, 5, 1] }, 'scalar'],
    ['f16, an offset of 2 halves', { ...narrow, byteOffset: 4 }, 'pair'],
    ['f16, an offset of 1 half', { ...narrow, byteOffset: 2 }, 'scalar'],
    ['f16, every second element', { ...half, strides: [5120, 1280, 128, 2] }, 'scalar'],
  ] as const)('%s', ([, layout, access]) => {
    expect(writeAccess(layout)).toBe(access);
  });
});

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
    expect(values).toEqual({ offset: 5, split: 0, ...want });
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
    expect(values).toEqual({ offset: 5, dim: 0, ...want });
  });
});

it('names the function, what is large and what makes it smaller', () => {
  const target = { maxBytes: 400 };
  checkMemory(target, 'attentionVjp', 100, 'the sums', 'Use smaller tables.');
  const large = (): void =>
    checkMemory(target, 'attentionVjp', 101, 'the sums', 'Use smaller tables.');
  expect(large).toThrow(LimitError);
  expect(large).toThrow(
    'attentionVjp: the sums must fit one binding of 400 bytes on this device; got 404 bytes. Use smaller tables.',
  );
});
