import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import { attention, mergeStates } from '@heed/kernels-wgsl';
import { bits, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** One head, two rows, four columns: of a packed [T, H, D] state. */
const state = (rows: readonly (readonly number[])[], lse: readonly number[]) => ({
  out: gpu.tensor(rows.flat(), { shape: [2, 1, 4] }),
  lse: gpu.tensor(lse, { shape: [1, 2] }),
});

const read = async ({ out, lse }: { out: Tensor; lse: Tensor }): Promise<number[][]> => [
  Array.from(await out.read()),
  Array.from(await lse.read()),
];

const zeros = [0, 0, 0, 0];
const row = [1, -2, 3, 0.5];

describe('mergeStates', () => {
  it('weighs each part by exp(lse)', async () => {
    const a = state([row, [8, 8, 8, 8]], [Math.log(3), 5]);
    const b = state([[5, 2, -1, 0.5], zeros], [Math.log(1), 5]);
    const [out, lse] = await read(mergeStates([a, b]));
    expect(out).toMatchTensor([2, -1, 2, 0.5, 4, 4, 4, 4], { tolerance: 2e-6 });
    expect(lse).toMatchTensor([Math.log(4), 5 + Math.log(2)], { tolerance: 1e-6 });
  });

  it('takes nothing from an empty part, whatever stands in its out', async () => {
    const junk = [NaN, Infinity, -Infinity, 3e38];
    const empty = state([junk, junk], [-Infinity, -Infinity]);
    const full = state([row, row], [2, -700]);
    const want = await bits(full.out);
    for (const order of [
      [full, empty],
      [empty, full],
      [empty, full, empty],
    ]) {
      const merged = mergeStates(order);
      expect(await bits(merged.out)).toEqual(want);
      expect(Array.from(await merged.lse.read())).toEqual([2, -700]);
    }
  });

  it('makes (0, −∞) of empty parts', async () => {
    const empty = state([row, row], [-Infinity, -Infinity]);
    for (const parts of [[empty], [empty, empty], [empty, empty, empty]]) {
      const [out, lse] = await read(mergeStates(parts));
      expect(out).toEqual([...zeros, ...zeros]);
      expect(lse).toEqual([-Infinity, -Infinity]);
    }
  });

  it('lets a far larger part win without overflow', async () => {
    const small = state([row, row], [-1000, 3e4]);
    const large = state([zeros, zeros], [1000, -3e4]);
    const [out, lse] = await read(mergeStates([small, large]));
    expect(out).toEqual([...zeros, ...row]);
    expect(lse).toEqual([1000, 3e4]);
  });

  it('copies a single state', async () => {
    const one = state([row, zeros], [1.5, -2]);
    const merged = mergeStates([one]);
    expect(merged.out.buffer).not.toBe(one.out.buffer);
    expect(await bits(merged.out, merged.lse)).toEqual(await bits(one.out, one.lse));
  });

  it('folds pairwise, in order', async () => {
    const { q, k, v } = new TensorSource(gpu, 9, 64).dense(2, 5, 90);
    const states = [0, 30, 60].map((start) => {
      const [kp, vp] = [k, v].map((x) => x.slice(2, start, start + 30));
      const { out, lse } = attention(q, kp!, vp!, { returnLse: true, numSplits: 1 });
      return { out, lse: lse };
    });
    const folded = states.reduce((a, b) => mergeStates([a, b]));
    const merged = mergeStates(states);
    expect(await bits(merged.out, merged.lse)).toEqual(await bits(folded.out, folded.lse));
    const whole = attention(q, k, v, { returnLse: true, numSplits: 1 });
    expect(await merged.out.read()).toMatchTensor(await whole.out.read(), { tolerance: 2e-6 });
    expect(await merged.lse.read()).toMatchTensor(await whole.lse.read(), { tolerance: 2e-6 });
  });

  it('takes strided states', async () => {
    const a = state([row, zeros], [1, 2]);
    const turned = {
      out: gpu
        .tensor([1, 0, -2, 0, 3, 0, 0.5, 0], { shape: [4, 2] })
        .permute([1, 0])
        .reshape([2, 1, 4]),
      lse: gpu
        .tensor([9, 1, 9, 2], { shape: [2, 2] })
        .slice(1, 1, 2)
        .permute([1, 0]),
    };
    const [want, got] = [mergeStates([a, a]), mergeStates([turned, turned])];
    expect(await bits(got.out, got.lse)).toEqual(await bits(want.out, want.lse));
  });

  it.for([
    [[null], /states\[0\]\.out must be a Tensor; got undefined/],
    [[undefined], /states\[0\]\.out/],
    [[7], /states\[0\]\.out/],
    [null, /states must be a list/],
    [[], /states must be a list/],
  ] as const)('refuses %j', ([states, says]) => {
    expect(() => mergeStates(states as never)).toThrow(ValidationError);
    expect(() => mergeStates(states as never)).toThrow(says);
  });
});
