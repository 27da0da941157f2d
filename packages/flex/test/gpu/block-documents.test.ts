import type { Gpu } from '@heed/core';
import { bits, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  andMasks,
  bind,
  BlockMask,
  createBlockMask,
  flexAttention,
  type MaskMod,
} from '../../src/index.ts';
import { causal, document, slidingWindow } from '../../src/masks/index.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const cu = Int32Array.of(0, 70, 70, 100, 260);

/** The document of each row; those behind the last have one that no other row has. */
const ids = (length: number): number[] =>
  Array.from({ length }, (_, row) => {
    const at = cu.findIndex((end, d) => d > 0 && row < end);
    return at < 0 ? 1000 + row : at;
  });

describe('BlockMask.fromCuSeqlens', () => {
  it.for([
    ['the host', (): Int32Array => cu, {}],
    ['the GPU', () => gpu.tensor(cu, { shape: [5] }), { L: 260 }],
  ] as const)('from %s is the mask of the document ids', async ([, list, o]) => {
    const id = gpu.tensor(ids(260), { shape: [260], dtype: 'i32' });
    using made = BlockMask.fromCuSeqlens(gpu, list(), { ...o, blockSize: 32 });
    const options = { Lq: 260, Lk: 260, blockSize: 32, captures: { id } };
    using want = createBlockMask(gpu, document, options);
    expect(await made.toDense()).toEqual(await want.toDense());
    expect(await made.sparsity()).toBeGreaterThan(0.3);
  });

  it('with a maskMod beside it is both', async () => {
    const id = gpu.tensor(ids(260), { shape: [260], dtype: 'i32' });
    const near = bind(slidingWindow, { window: 40 });
    using made = BlockMask.fromCuSeqlens(gpu, cu, { maskMod: near, blockSize: 32 });
    const both = andMasks(bind(document, { id }), near);
    using want = createBlockMask(gpu, both, { Lq: 260, Lk: 260, blockSize: 32 });
    expect(await made.toDense()).toEqual(await want.toDense());
  });

  it('leaves the names of its tables to the maskMod', async () => {
    const own: MaskMod<{ id: number; documents: number }> = (b, h, q, kv, { id, documents }) =>
      q - kv <= id + documents && q >= kv;
    const captures = { id: 20, documents: 20 };
    using made = BlockMask.fromCuSeqlens(gpu, cu, { maskMod: own, captures, blockSize: 32 });
    const near = bind(slidingWindow, { window: 40 });
    using want = BlockMask.fromCuSeqlens(gpu, cu, { maskMod: near, blockSize: 32 });
    expect(await made.toDense()).toEqual(await want.toDense());
  });

  it('keeps the documents of an attention apart, and rows behind the last see nothing', async () => {
    const { q, k, v } = new TensorSource(gpu, 3, 8).dense(2, 300, 300);
    using blockMask = BlockMask.fromCuSeqlens(gpu, cu, { L: 300, maskMod: causal, blockSize: 32 });
    const { out, lse } = flexAttention(q, k, v, { blockMask, returnLse: true, numSplits: 1 });
    const id = gpu.tensor(ids(300), { shape: [300], dtype: 'i32' });
    const maskMod = andMasks(bind(document, { id }), causal);
    const want = flexAttention(q, k, v, { maskMod, returnLse: true, numSplits: 1 });
    const inside = (x: typeof out): typeof out => x.slice(2, 0, 260);
    expect(await bits(inside(out), inside(lse))).toEqual(
      await bits(inside(want.out), inside(want.lse)),
    );
    // Tables of other sizes are summarised anew, in one batch too.
    const short = gpu.tensor([0, 0, 5], { shape: [3], dtype: 'i32' });
    const masks = [id, short, id].map((table) => andMasks(bind(document, { id: table }), causal));
    const call = (one: MaskMod): typeof out =>
      flexAttention(q, k, v, { maskMod: one, returnLse: true, numSplits: 1 }).out;
    const together = await bits(...gpu.batch(() => masks.map(call)));
    expect(together).toEqual(await bits(...masks.map(call)));
    expect(together[0]).toEqual((await bits(want.out))[0]);
    expect(together[1]).not.toEqual(together[0]);
    expect(new Set(await out.slice(2, 260, 300).read())).toEqual(new Set([0]));
    expect(new Set(await lse.slice(2, 260, 300).read())).toEqual(new Set([-Infinity]));
  });

  it('of no document sees nothing', async () => {
    using none = BlockMask.fromCuSeqlens(gpu, Int32Array.of(0), { L: 64, blockSize: 32 });
    expect(await none.sparsity()).toBe(1);
    using empty = BlockMask.fromCuSeqlens(gpu, Int32Array.of(0, 0), { blockSize: 32 });
    expect(empty.shape).toEqual([1, 1, 0, 0]);
  });

  it('takes lengths on the GPU that do not ascend, without harm', async () => {
    const wild = gpu.tensor(Int32Array.of(7, 1000, -5, 33, 20), { shape: [5] });
    using mask = BlockMask.fromCuSeqlens(gpu, wild, { L: 100, blockSize: 32 });
    expect((await mask.toDense()).total).toBe(16);
    await expect(gpu.settled()).resolves.toBeUndefined();
  });
});

describe('memory', () => {
  it('is freed with the mask, and where the mask cannot be made', () => {
    const made: string[] = [];
    const freed: string[] = [];
    const empty = gpu.empty.bind(gpu);
    const spy: Gpu['empty'] = (shape, options) => {
      const tensor = empty(shape, options);
      const dispose = tensor.dispose.bind(tensor);
      made.push(tensor.label);
      tensor.dispose = () => {
        freed.push(tensor.label);
        dispose();
      };
      return tensor;
    };
    gpu.empty = spy;
    try {
      const mask = BlockMask.fromCuSeqlens(gpu, cu, { blockSize: 32 });
      mask[Symbol.dispose]();
      expect(() => BlockMask.fromCuSeqlens(gpu, cu, { blockSize: 48 })).toThrow(/blockSize/);
    } finally {
      gpu.empty = empty;
    }
    expect(made).toContain('heed/document ids');
    expect(freed.toSorted()).toEqual(made.toSorted());
  });
});
