import type { Gpu, Tensor } from '@heed/core';
import { bits, TensorSource, testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createBlockMask, flexAttention, flexAttentionVjp, type MaskMod } from '../../src/index.ts';
import { causal } from '../../src/masks/index.ts';
import { attention, both, byRows, type Lists, packed, pairs, ROWS } from '../gpu/stale-cases.ts';

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 21, 8);
});

describe('a stale mask gives what its maskMod gives', () => {
  it('in gradients', { tags: ['full'] }, async () => {
    const { q, k, v } = source.packed(ROWS, ROWS);
    const dOut = source.normal([ROWS, 4, 8]);
    const use = (o: object): readonly Tensor[] => {
      const { dq, dk, dv } = flexAttentionVjp(q, k, v, o).backward(dOut);
      return [dq, dk, dv];
    };
    for (const pair of fc.sample(pairs, { numRuns: 8, seed: 6 })) {
      const [stale, alone] = await both(gpu, causal, pair, use);
      expect(stale, JSON.stringify(pair)).toEqual(alone);
    }
  });

  it('over pages, whose table changes too, where it reads rows of pages', async () => {
    const { q } = source.packed(40, 0);
    const use = attention({ q, ...source.pages(16, 16) });
    const used = fc.array(fc.integer({ min: 0, max: 128 }), { minLength: 2, maxLength: 2 });
    const table = fc.shuffledSubarray([...Array(16).keys()], { minLength: 16 });
    const state = fc.record({ used, table });
    const lists = (o: { used: number[]; table: number[] }): object => ({
      cuSeqlensQ: Int32Array.of(0, 3, 40),
      seqUsedK: gpu.tensor(o.used, { shape: [2], dtype: 'i32' }),
      blockTable: gpu.tensor(o.table, { shape: [2, 8], dtype: 'i32' }),
    });
    for (const [made, now] of fc.sample(fc.tuple(state, state), { numRuns: 8, seed: 8 })) {
      const options = { ...lists(made), Lk: 128, blockSize: 32 };
      using blockMask = createBlockMask(gpu, byRows, options as never);
      const got = await bits(...use({ ...lists(now), blockMask }));
      expect(got, JSON.stringify([made, now])).toEqual(
        await bits(...use({ ...lists(now), maskMod: byRows })),
      );
    }
  });
});

describe('the blocks of a sequence count', () => {
  type Shown = MaskMod<{ shown: Tensor }>;
  const plain: Shown = (b, h, q, kv, c) => c.shown[0]! > 0;
  const readsRows: Shown = (b, h, q, kv, c, info) => c.shown[0]! > 0 && info.qRow >= 0;
  const list = (...cu: number[]): Lists => ({ cuQ: cu, cuK: cu });

  /** Of each sequence, whether its blocks were looked at: they hide what the table hid when they were made. */
  async function counts(mask: Shown, made: Lists, used: Lists): Promise<boolean[]> {
    const shown = gpu.tensor([0], { shape: [1], dtype: 'i32' });
    const options = {
      ...packed(gpu, made),
      Lq: ROWS,
      Lk: ROWS,
      captures: { shown },
      blockSize: 32,
    };
    using blockMask = createBlockMask(gpu, mask, options as never);
    await gpu.settled();
    gpu.device.queue.writeBuffer(shown.buffer, shown.byteOffset, Int32Array.of(1));
    const { q, k, v } = source.packed(ROWS, ROWS);
    const call = { ...packed(gpu, used), blockMask, returnLse: true, numSplits: 1 };
    const rows = await flexAttention(q, k, v, call).lse!.read();
    return used.cuQ.slice(1).map((end) => rows[end - 1] === -Infinity);
  }

  it.for([
    [
      'where nothing changed',
      plain,
      list(0, 32, 128, 256),
      list(0, 32, 128, 256),
      [true, true, true],
    ],
    [
      'wherever it begins',
      plain,
      list(0, 32, 128, 160),
      list(0, 64, 160, 192),
      [false, true, true],
    ],
    [
      'where both lengths are as they were',
      plain,
      list(0, 32, 128, 160),
      { cuQ: [0, 32, 128, 160], cuK: [0, 32, 127, 160] },
      [true, false, false],
    ],
    [
      'of a mask that reads rows, only where it begins where it did',
      readsRows,
      list(0, 32, 128, 160),
      list(0, 64, 160, 192),
      [false, false, false],
    ],
    [
      'of a mask that reads rows, if one before changed in length',
      readsRows,
      list(0, 32, 128, 160),
      { cuQ: [0, 30, 128, 160], cuK: [0, 32, 128, 160] },
      [false, false, true],
    ],
  ] as const)('%s', async ([, mask, made, used, expected]) => {
    expect(await counts(mask, made, used)).toEqual(expected);
  });
});
