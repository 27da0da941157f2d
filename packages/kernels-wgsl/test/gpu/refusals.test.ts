import { DisposedError, type Gpu, openGpu, type PagedKvView, ValidationError } from '@heed/core';
import {
  attention,
  type AttentionPlan,
  type AttentionTensors,
  planAttention,
  varlenAttention,
} from '@heed/kernels-wgsl';
import { TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

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

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 6, 64);
});

const dense = { layout: 'dense', q: [1, 4, 9, 64], k: [1, 2, 9, 64], numSplits: 1 } as const;
const paged = { layout: 'paged', q: [9, 4, 64], k: [3, 4, 2, 64], numSplits: 1 } as const;
const sound = (): AttentionTensors => source.dense(1, 9, 9);

/** What a dense f32 plan of head dim 64 and head ratio 2 must refuse. */
const refused: Readonly<Record<string, readonly [() => object, RegExp]>> = {
  'another dtype': [
    () => ({ q: source.normal([1, 4, 9, 64], 'f16') }),
    /made for dtype = f32; got f16/,
  ],
  'another head ratio': [
    () => ({ q: source.normal([1, 2, 9, 64]) }),
    /query heads per kv head = 2; got 1/,
  ],
  'another value head dim': [() => ({ v: source.normal([1, 2, 9, 8]) }), /headDimV = 64; got 8/],
  'a softcap': [() => ({ softcap: 30 }), /hooks = band; got softcap\+band/],
  slopes: [() => ({ alibiSlopes: source.normal([4]) }), /hooks = band; got alibi\+band/],
  'other splits': [() => ({ numSplits: 2 }), /numSplits = 1; got 2/],
  'packed tensors': [() => source.packed(9, 9), /q must have rank 4/],
  'no q': [() => ({ q: undefined }), /q must be a Tensor/],
  'a bad option': [() => ({ scale: NaN }), /scale must be a finite number/],
};

describe('a plan', () => {
  it.for(Object.entries(refused))('refuses %s', ([, [change, says]]) => {
    using plan = planAttention(gpu, dense);
    const tensors = { ...sound(), ...change() } as AttentionTensors;
    expect(() => plan.run(tensors)).toThrow(ValidationError);
    expect(() => plan.run(tensors)).toThrow(says);
    expect(() => plan.run(tensors)).toThrow(/^plan\.run: /);
  });

  it('names the function that was called', () => {
    using plan = planAttention(gpu, dense);
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    expect(() => plan.encode(pass, { ...sound(), softcap: 30 })).toThrow(/^plan\.encode: /);
    pass.end();
    encoder.finish();
  });

  it.for([null, undefined, 7])('refuses %s for tensors', (tensors) => {
    using plan = planAttention(gpu, dense);
    expect(() => plan.run(tensors as never)).toThrow(/^plan\.run: .*; got /);
  });

  it('of paged keys misses their table', () => {
    using plan = planAttention(gpu, paged);
    const { q } = source.packed(9, 9);
    const k = source.normal([3, 4, 2, 64]);
    const run = (): unknown => plan.run({ q, k, v: k, cuSeqlensQ: Int32Array.of(0, 9) });
    expect(run).toThrow(/made for paged keys, which need blockTable/);
  });

  it('refuses tensors of another Gpu', async () => {
    using other = await openGpu({ device: gpu.device, label: 'other' });
    using plan = planAttention(other, dense);
    expect(() => plan.run(sound())).toThrow(/belong to the plan's Gpu/);
  });

  it('is of no use once disposed', async () => {
    const plan: AttentionPlan = planAttention(gpu, dense);
    plan.run(sound());
    plan.dispose();
    plan.dispose();
    expect(() => plan.run(sound())).toThrow(DisposedError);
    await expect(plan.warmup()).rejects.toThrow(/^plan\.warmup: this plan was disposed/);
    expect(plan.describe()).toContain('prefill');
  });

  it('is made on a Gpu that is open', async () => {
    const closed = await openGpu({ device: gpu.device, label: 'closed' });
    closed.dispose();
    expect(() => planAttention(closed, dense)).toThrow(DisposedError);
    expect(() => planAttention({} as Gpu, dense)).toThrow(ValidationError);
  });
});

describe('plan.describe and plan.wgsl', () => {
  it('give the reason, the kernels and the text', () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 2 });
    const [reason, forward, combine, ...rest] = plan.describe().split('\n');
    expect(reason).toMatch(
      /^decode, default for class .*: \w+ tiles of \d+ × \d+.*, keys in 2 splits$/,
    );
    expect(forward).toMatch(/^heed\/forward q=f32 kv=f32 out=f32 \| d=64 dv=64 \| dense strided/);
    expect(combine).toMatch(/^heed\/combine splits dv=64/);
    expect(rest).toEqual([]);
    expect(plan.wgsl).toContain('fn main(');
    expect(plan.wgsl).toContain(forward!.replace('heed/forward ', '// '));
    expect(plan.problem).toEqual({ ...dense, numSplits: 2 });
  });
});
