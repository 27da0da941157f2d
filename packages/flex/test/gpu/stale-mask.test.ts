import { DisposedError, type Gpu, openGpu, type Tensor } from '@heed/core';
import { bits, isFullRun, TensorSource, testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { BlockMaskOptions } from '../../src/host/block-mask-options.ts';
import {
  createBlockMask,
  flexAttention,
  type FlexOptions,
  type MaskMod,
  planFlexAttention,
} from '../../src/index.ts';
import { causal } from '../../src/masks/index.ts';
import { attention, both, byRows, type Lists, pairs, ROWS } from './stale-cases.ts';

// Lists on the GPU change without the host: what a mask knew of them then must not count now.

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 20, 8);
});

const list = (...cu: number[]): Lists => ({ cuQ: cu, cuK: cu });

describe('a mask made for packed sequences gives what its maskMod gives', () => {
  const masks = [
    ['causal', causal],
    ['one that reads rows of memory', byRows],
  ] as const;
  it.for(isFullRun() ? masks : masks.slice(0, 1))('%s, random lists', async ([, maskMod]) => {
    const use = attention(source.packed(ROWS, ROWS));
    for (const pair of fc.sample(pairs, { numRuns: isFullRun() ? 12 : 4, seed: 5 })) {
      const [stale, alone] = await both(gpu, maskMod, pair, use);
      expect(stale, JSON.stringify(pair)).toEqual(alone);
    }
  });

  it.for([
    ['equal lengths begin elsewhere', list(0, 32, 128), list(0, 64, 160)],
    ['it was made of lists that do not ascend', list(0, 96, 32, 224), list(0, 0, 0, 192)],
    ['it was made for no key', { cuQ: [0, 256], cuK: [0, 0] }, list(0, 256)],
  ] as const)('where %s', async ([, made, used]) => {
    const use = attention(source.packed(ROWS, ROWS));
    const [stale, alone] = await both(gpu, causal, [made, used], use);
    expect(stale).toEqual(alone);
  });
});

describe('a mask made for used keys gives what its maskMod gives', () => {
  const numRuns = isFullRun() ? 8 : 3;
  const used = fc.array(fc.integer({ min: 0, max: 128 }), { minLength: 2, maxLength: 2 });

  it('of dense tensors, and of a slice', async () => {
    const all = source.dense(2, 40, 128);
    const onGpu = (lengths: readonly number[]): Tensor =>
      gpu.tensor(lengths, { shape: [lengths.length], dtype: 'i32' });
    for (const [made, now] of fc.sample(fc.tuple(used, used), { numRuns, seed: 7 })) {
      const options = { B: 2, Lq: 40, Lk: 128, seqUsedK: onGpu(made), blockSize: 32 };
      using blockMask = createBlockMask(gpu, causal, options);
      const second = (x: Tensor): Tensor => x.slice(0, 1, 2);
      const part = { q: second(all.q), k: second(all.k), v: second(all.v) };
      for (const [use, lengths, mask] of [
        [attention(all), now, blockMask],
        [attention(part), now.slice(1), blockMask.slice(0, 1, 2)],
      ] as const) {
        const seqUsedK = onGpu(lengths);
        const got = await bits(...use({ seqUsedK, blockMask: mask }));
        expect(got, JSON.stringify([made, now])).toEqual(
          await bits(...use({ seqUsedK, maskMod: causal })),
        );
      }
    }
  });
});

type Options = Omit<BlockMaskOptions, 'captures'>;
type Own = Pick<FlexOptions, 'align' | 'seqUsedK' | 'cuSeqlensQ' | 'cuSeqlensK'>;

const byBatch: MaskMod = (b, h, q, kv) => q >= kv + b;
const byHead: MaskMod = (b, h, q, kv) => q >= kv + h;

const used = (...lengths: number[]): Int32Array => Int32Array.from(lengths);
const sizes = { Lq: 20, Lk: 40 } as const;

/** An attention of 2 batch entries (or sequences of 8 and 12 rows) with 4 heads, and a mask made for something else. */
function attend(mask: MaskMod, made: Options, own: Own): unknown {
  const blockMask = createBlockMask(gpu, mask, made);
  const { q, k, v } = own.cuSeqlensQ ? source.packed(20, 40) : source.dense(2, 20, 40);
  return flexAttention(q, k, v, { ...own, blockMask });
}

const cuSeqlensQ = used(0, 8, 20);
const cuSeqlensK = used(0, 30, 40);
const packed = { cuSeqlensQ, cuSeqlensK };

describe('a block mask that was made for something else is refused:', () => {
  it.for([
    ['Lq', causal, { ...sizes, Lq: 21 }, {}, 'Lq = 21; got 20'],
    ['Lk', causal, { ...sizes, Lk: 39 }, {}, 'Lk = 39; got 40'],
    ['align', causal, sizes, { align: 'start' }, 'align = end; got start'],
    ['B', causal, { ...sizes, B: 3 }, {}, 'B = 3; got 2'],
    ['H', causal, { ...sizes, H: 2 }, {}, 'H = 2; got 4'],
    ['one batch entry of several', byBatch, { ...sizes, B: 1 }, {}, 'B = 1; got 2'],
    ['one head of several', byHead, { ...sizes, H: 1 }, {}, 'H = 1; got 4'],
    ['no used keys', causal, sizes, { seqUsedK: used(3, 4) }, 'seqUsedK = undefined; got a list'],
    [
      'used keys',
      causal,
      { ...sizes, B: 2, seqUsedK: used(3, 4) },
      {},
      'seqUsedK = a list; got undefined',
    ],
    [
      'other used keys',
      causal,
      { ...sizes, B: 2, seqUsedK: used(3, 4) },
      { seqUsedK: used(3, 5) },
      'seqUsedK[1] = 4; got 5',
    ],
    [
      'one batch entry with used keys',
      causal,
      { ...sizes, seqUsedK: used(3) },
      { seqUsedK: used(3, 3) },
      'B = 1; got 2',
    ],
    ['dense tensors', causal, sizes, packed, 'layout = dense; got varlen'],
    ['packed ones', causal, packed, {}, 'layout = varlen; got dense'],
    ['other sequences', causal, { cuSeqlensQ: used(0, 20) }, packed, 'sequences = 1; got 2'],
    [
      'other rows',
      causal,
      { ...packed, cuSeqlensQ: used(0, 9, 20) },
      packed,
      'cuSeqlensQ[1] = 9; got 8',
    ],
    ['other keys', causal, { cuSeqlensQ }, packed, 'cuSeqlensK[1] = 8; got 30'],
    ['one head, packed', byHead, { ...packed, H: 1 }, packed, 'H = 1; got 4'],
  ] as readonly (readonly [string, MaskMod, Options, Own, string])[])(
    '%s',
    ([, mask, made, own, says]) => {
      const run = (): unknown => attend(mask, made, own);
      expect(run).toThrow(`flexAttention: blockMask was made for ${says}. Make the mask from`);
    },
  );

  it('other rows of packed tensors than there are, where only the GPU knows the sequences', () => {
    const onGpu = (cu: Int32Array): Tensor => gpu.tensor(cu, { shape: [cu.length] });
    const lists = { cuSeqlensQ: onGpu(cuSeqlensQ), cuSeqlensK: onGpu(cuSeqlensK) };
    const run = (): unknown => attend(causal, { ...lists, Lq: 16, Lk: 40 }, lists);
    expect(run).toThrow('blockMask was made for Lq = 16; got 20');
  });

  it('another Gpu', async () => {
    const other = await openGpu({ device: gpu.device, label: 'other' });
    const blockMask = createBlockMask(other, causal, sizes);
    const { q, k, v } = source.dense(2, 20, 40);
    const run = (): unknown => flexAttention(q, k, v, { blockMask });
    expect(run).toThrow(/blockMask must belong to the tensors' Gpu/);
  });

  it('paged keys or not', () => {
    const seqUsedK = used(30, 10);
    const paged = { cuSeqlensQ, seqUsedK, blockTable: used(0, 1) };
    const run = (): unknown => attend(causal, paged, { cuSeqlensQ, cuSeqlensK, seqUsedK });
    expect(run).toThrow('cuSeqlensK = undefined; got a list');
  });

  it('in the name of a plan that is run', () => {
    const problem = { layout: 'dense', q: [2, 4, 20, 8], k: [2, 2, 40, 8] } as const;
    const blockMask = createBlockMask(gpu, causal, sizes);
    using plan = planFlexAttention(gpu, { ...problem, blockMask });
    const run = (): unknown => plan.run(source.dense(2, 19, 40));
    expect(run).toThrow('plan.run: blockMask was made for Lq = 20; got 19');
  });
});

describe('a block mask whose memory is gone', () => {
  it('is refused', () => {
    const blockMask = createBlockMask(gpu, causal, sizes);
    blockMask.dispose();
    const { q, k, v } = source.dense(2, 20, 40);
    expect(() => flexAttention(q, k, v, { blockMask })).toThrow(DisposedError);
    expect(() => flexAttention(q, k, v, { blockMask })).toThrow(/^flexAttention: blockMask/);
  });
});
