import { type Gpu, type Tensor, UnsupportedError } from '@heed/core';
import { bits, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type BlockClasses,
  createBlockMask,
  flexAttention,
  type MaskMod,
} from '../../src/index.ts';
import { tree } from '../../src/masks/index.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** Different for every batch entry and head, with captures of the names that a slice might use itself. */
const wavy: MaskMod<{ mask: Tensor; batch0: number; query0: number }> = (b, h, q, kv, c) =>
  q >= kv && q - kv <= c.mask[b]! * (h + 1) + c.batch0 + c.query0;

const ranges = [
  [0, 1, 3],
  [1, 1, 3],
  [1, 3, 4],
  [2, 1, 3],
  [2, 3, 5],
  [2, 0, 0],
] as const;

/** The classes of a part of the whole. */
function part(
  { shape, classes }: BlockClasses,
  axis: 0 | 1 | 2,
  start: number,
  end: number,
): number[] {
  const [, H, rows, columns] = shape;
  const isInside = (at: number): boolean => {
    const index = [Math.floor(at / (H * rows)), Math.floor(at / rows) % H, at % rows][axis]!;
    return index >= start && index < end;
  };
  return [...classes].filter((_, i) => isInside(Math.floor(i / columns)));
}

const settings = [
  ['end', undefined],
  ['start', undefined],
  ['end', [170, 33, 100]],
] as const;

describe.for(settings)('slices of a mask, align %s, used keys %j', ([align, used]) => {
  const [B, H, Lq, Lk, M] = [3, 4, 150, 170, 32];
  const seqUsedK = used && Int32Array.from(used);
  const lengths = seqUsedK ? { seqUsedK } : {};
  const make = (): ReturnType<typeof createBlockMask> => {
    const mask = gpu.tensor([9, 30, 50], { shape: [3], dtype: 'i32' });
    const captures = { mask, batch0: 3, query0: 4 };
    return createBlockMask(gpu, wavy, { B, H, Lq, Lk, blockSize: M, align, captures, ...lengths });
  };

  it('have its classes', async () => {
    using mask = make();
    const whole = await mask.toDense();
    for (const [axis, start, end] of ranges) {
      const slice = mask.slice(axis, start, end);
      const want = part(whole, axis, start, end);
      expect([...(await slice.toDense()).classes], `${axis}: ${start} to ${end}`).toEqual(want);
      expect(slice.shape[axis]).toBe(end - start);
    }
  });

  it('give attention over a part the rows of the whole', async () => {
    using blockMask = make();
    const { q, k, v } = new TensorSource(gpu, 5, 8).dense(B, Lq, Lk);
    const rest = { align, returnLse: true, numSplits: 1 } as const;
    const whole = flexAttention(q, k, v, { ...rest, ...lengths, blockMask });
    // A slice of a slice: other rows of one batch entry. A row of heads would need its share of the kv heads.
    const parts = [
      [blockMask.slice(0, 1, 3), 0, 1, 3],
      [blockMask.slice(2, 1, 3), 2, 32, 96],
      [blockMask.slice(2, 2, 5).slice(2, 1, 3), 2, 96, 150],
    ] as const;
    for (const [slice, axis, start, end] of parts) {
      const cut = (x: Tensor): Tensor => x.slice(axis, start, end);
      const keys = axis === 0 ? [cut(k), cut(v)] : [k, v];
      const own = seqUsedK && axis === 0 ? { seqUsedK: seqUsedK.slice(start, end) } : lengths;
      const { out, lse } = flexAttention(cut(q), keys[0]!, keys[1]!, {
        ...rest,
        ...own,
        blockMask: slice,
      });
      const got = await bits(out, lse);
      expect(got, `axis ${axis}`).toEqual(await bits(cut(whole.out), cut(whole.lse)));
    }
    const heads = blockMask.slice(1, 2, 4).slice(0, 1, 2);
    const of = (x: Tensor, from: number, to: number): Tensor => x.slice(0, 1, 2).slice(1, from, to);
    const own = seqUsedK ? { seqUsedK: seqUsedK.slice(1, 2) } : {};
    const { out } = flexAttention(of(q, 2, 4), of(k, 1, 2), of(v, 1, 2), {
      ...rest,
      ...own,
      blockMask: heads,
    });
    expect(await bits(out)).toEqual(await bits(of(whole.out, 2, 4)));
  });
});

describe('slice refuses', () => {
  it.for([
    [3, 0, 1, /axis must be 0, 1 or 2; got 3/],
    [0, 0, 2, /a range of axis 0 lies within 0 to 1; got 0 to 2/],
    [2, 2, 1, /a range of axis 2 lies within 0 to 4; got 2 to 1/],
    [2, 0.5, 1, /got 0.5 to 1/],
  ] as const)('axis %i, %d to %d', ([axis, start, end, says]) => {
    using mask = createBlockMask(gpu, (b, h, q, kv) => q >= kv, {
      Lq: 100,
      Lk: 100,
      blockSize: 32,
    });
    expect(() => mask.slice(axis as never, start, end)).toThrow(says);
  });

  it('packed sequences, and rows where the mask reads how many there are', () => {
    const cuSeqlensQ = Int32Array.of(0, 100);
    using packed = createBlockMask(gpu, (b, h, q, kv) => q >= kv, { cuSeqlensQ });
    expect(() => packed.slice(2, 0, 1)).toThrow(UnsupportedError);
    const ancestors = gpu.tensor([1, 3], { shape: [2, 1], dtype: 'i32' });
    using drafts = createBlockMask(gpu, tree, {
      Lq: 64,
      Lk: 96,
      blockSize: 32,
      captures: { ancestors },
    });
    expect(() => drafts.slice(2, 0, 1)).toThrow(/reads info\.qLen/);
    expect(() => drafts.slice(0, 0, 1)).not.toThrow();
  });
});
