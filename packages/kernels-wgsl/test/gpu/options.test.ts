import { type Gpu, type PagedKvView, ValidationError } from '@heed/core';
import { attention, varlenAttention } from '@heed/kernels-wgsl';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { Source } from './data.ts';

let gpu: Gpu;
let source: Source;
beforeAll(async () => {
  gpu = await testGpu();
  source = new Source(gpu, 10);
});

/** What is a number to JavaScript, and none to the kernel. */
describe('attention refuses', () => {
  it.for([
    [{ scale: 1e39 }, /scale must be a finite number/],
    [{ scale: '1' }, /scale must be a finite number/],
    [{ softcap: 1e39 }, /softcap must be a finite number above 0/],
    [{ softcap: 1e-50 }, /softcap must be a finite number above 0/],
    [null, /options must be an object; got null/],
    [7, /options must be an object; got 7/],
  ] as const)('options %j', ([options, says]) => {
    const { q, k, v } = source.dense(1, 2, 2);
    expect(() => attention(q, k, v, options as never)).toThrow(ValidationError);
    expect(() => attention(q, k, v, options as never)).toThrow(says);
  });
});

describe('a page view', () => {
  const view = (change: Partial<PagedKvView> = {}): PagedKvView => {
    const [k, v] = [source.normal([3, 4, 2, 64]), source.normal([3, 4, 2, 64])];
    const blockTable = gpu.tensor(Int32Array.of(2, 0), { shape: [1, 2] });
    const seqUsedK = gpu.tensor(Int32Array.of(7), { shape: [1] });
    const facts = { maxSeqlenK: 7, pageSize: 4, format: 'f32', headDim: 64, headDimV: 64 } as const;
    return { k, v, blockTable, seqUsedK, ...facts, ...change };
  };
  const run = (change: Partial<PagedKvView>): unknown => {
    const { q } = source.packed(2, 1);
    return varlenAttention(q, view(change), { cuSeqlensQ: Int32Array.of(0, 2), numSplits: 1 });
  };

  it('that agrees with its tensors is taken', async () => {
    expect(() => run({})).not.toThrow();
    await expect(gpu.settled()).resolves.toBeUndefined();
  });

  it.for([
    [{ format: 'f16' }, /format must be what k and v have, f32; got 'f16'/],
    [{ headDim: 32 }, /headDim must be what k and v have, 64; got 32/],
    [{ headDimV: 32 }, /headDimV must be what k and v have, 64; got 32/],
    [{ pageSize: 8 }, /view\.pageSize must be the second dimension of view\.k, 4; got 8/],
    [{ format: 'int8' }, /k must be u32; got f32/],
    [{ format: 'f64' }, /format must be/],
  ] as const)('that says %j of them is refused', ([change, says]) => {
    expect(() => run(change as never)).toThrow(says);
  });
});
