import { type Gpu, openGpu, type Tensor, type Tuning, type TuningEntry } from '@heed/core';
import { tune, tuneCandidates } from '@heed/kernels-wgsl';
import { TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  createBlockMask,
  flexAttentionVjp,
  type MaskMod,
  planFlexAttention,
  type ScoreMod,
  tunable,
} from '../../src/index.ts';
import { causal } from '../../src/masks/index.ts';
import { attend } from '../gpu/attend.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const shapes = { layout: 'dense', q: [1, 4, 40, 8], k: [1, 2, 40, 8], numSplits: 1 } as const;
const window: MaskMod<{ w: number }> = (b, h, q, kv, { w }) => q >= kv && q - kv < w;
const bias: ScoreMod<{ table: Tensor }> = (score, b, h, q, kv, { table }) => score + table[h]!;
const slopes = [0.5, -1, 0, 2];
const captured = (on: Gpu): { w: number; table: Tensor } => ({
  w: 9,
  table: on.tensor(slopes, { shape: [4] }),
});
const mods = { scoreMod: bias, maskMod: window } as const;

/** One tile beside the default, so that this takes seconds; of no device is it the default. */
const other = { path: 'portable', threadsM: 16, rowsPerThread: 1, unroll: false } as const;
const isOther = ({ threadsM, rowsPerThread, unroll }: TuningEntry): boolean =>
  threadsM === other.threadsM && rowsPerThread === other.rowsPerThread && unroll === other.unroll;

const problemOn = (on: Gpu) =>
  ({ ...shapes, ...mods, captures: captured(on), backward: true }) as const;

describe('tune with mods', () => {
  it(
    'gives what plans of the same mods use, forward and backward',
    { tags: ['full'] },
    async () => {
      const tuning = await tune(gpu, [tunable(problemOn(gpu))], { filter: isOther, rounds: 2 });
      const keys = Object.keys(tuning.entries!);
      expect(keys.map((key) => key.split(' ')[0])).toEqual(['forward', 'dq', 'dkv']);
      const stored = JSON.parse(JSON.stringify(tuning)) as Tuning;
      using tuned = await openGpu({ device: gpu.device, tuning: stored });
      using plan = planFlexAttention(tuned, problemOn(tuned));
      expect(plan.describe().split('\n').slice(0, 4)).toEqual([
        expect.stringMatching(/^prefill, tuned: /),
        expect.stringMatching(/^dq, tuned: /),
        expect.stringMatching(/^dk and dv, tuned: /),
        expect.stringMatching(/^gradients of tables, default for class /),
      ]);
      using untuned = planFlexAttention(tuned, { ...shapes, maskMod: causal });
      expect(untuned.describe()).toContain('not tuned: no entry for this problem');
    },
  );

  it('tunes calls over a block mask', async () => {
    const blockMask = createBlockMask(gpu, causal, { Lq: 40, Lk: 40 });
    const some = tunable({ ...shapes, blockMask });
    const { entries } = await tune(gpu, [some], { filter: isOther, rounds: 1 });
    expect(Object.keys(entries!)).toEqual([tuneCandidates(gpu, some)[0].key]);
    expect(Object.keys(entries!)[0]).toContain('(blocks)');
  });

  it('refuses what no call could have', async () => {
    const causalOption = { ...shapes, causal: true } as never;
    expect(() => tunable(causalOption)).toThrow(
      /^tunable: there is no causal in problem; got true\. Pass maskMod: causal/,
    );
    expect(() => tunable({ ...shapes, maskMod: () => 1 as never })).toThrow(/mask/);
    using another = await openGpu();
    const foreign = tunable({ ...shapes, ...mods, captures: captured(another) });
    await expect(tune(gpu, [foreign])).rejects.toThrow(/^tune: captures\.table .* another device/);
  });
});

describe('the key of a problem with mods', () => {
  const keyOf = (maskMod: MaskMod<{ w: number }>, w = 9): string =>
    tuneCandidates(gpu, tunable({ ...shapes, maskMod, captures: { w } }))[0].key;

  it('is that of what they compute, not of their text, their names or their captures’ values', () => {
    const renamed: MaskMod<{ w: number }> = (batch, head, row, column, c) => {
      const distance = row - column;
      return row >= column && distance < c.w;
    };
    expect(keyOf(renamed)).toBe(keyOf(window));
    expect(keyOf(window, 100)).toBe(keyOf(window));
  });

  it('is another for another computation', () => {
    const wider: MaskMod<{ w: number }> = (b, h, q, kv, { w }) => q >= kv && q - kv <= w;
    expect(keyOf(wider)).not.toBe(keyOf(window));
    expect(keyOf(window, 9.5), 'a capture of another type').not.toBe(keyOf(window));
  });
});

describe('a tuned flex call', () => {
  it('runs the tuned kernels, and is right', { tags: ['full'] }, async () => {
    const candidates = tuneCandidates(gpu, tunable(problemOn(gpu)));
    const entries = Object.fromEntries(candidates.map(({ key }) => [key, other]));
    using tuned = await openGpu({ device: gpu.device, tuning: { version: 1, entries } });
    const run = async (on: Gpu): Promise<{ labels: string[]; values: ArrayLike<number>[] }> => {
      const source = new TensorSource(on, 5, 8);
      const { q, k, v } = source.dense(1, 40, 40);
      const options = { ...mods, captures: captured(on), numSplits: 1 };
      const dOut = source.normal([1, 4, 40, 8]);
      const { result, spans } = await on.profile(() => {
        const { out, backward } = flexAttentionVjp(q, k, v, options as never);
        return { out, ...backward(dOut) };
      });
      const { out, dq, dk, dv, dCaptures } = result;
      const values = [];
      for (const one of [out, dq, dk, dv, dCaptures['table']!]) values.push(await one.read());
      return { labels: spans.map(({ label }) => label), values };
    };
    const [got, want] = [await run(tuned), await run(gpu)];
    for (const kernel of ['forward', 'backward dq', 'backward dkv']) {
      const label = got.labels.find((one) => one.startsWith(`heed/${kernel} `));
      expect(label).toContain('path=portable threadsM=16 rowsPerThread=1 unroll=false');
    }
    for (const [i, values] of got.values.entries()) {
      expect(values).toMatchTensor(want.values[i]!, { tolerance: 1e-5 });
    }
    expect(got.values[0]).toMatchTensor(await expected(), { tolerance: 2e-6 });
  });
});

/** The output as its definition says, in float64. */
async function expected(): Promise<Float64Array> {
  const { q, k, v } = new TensorSource(gpu, 5, 8).dense(1, 40, 40);
  const rows = async (x: Tensor): Promise<ArrayLike<number>> => {
    const { shape } = x;
    const heads = shape[1]!;
    const values = await x.read();
    // [head, row, D] → [row, head, D]
    return Float64Array.from(values, (_, i) => {
      const [row, head, d] = [Math.floor(i / (heads * 8)), Math.floor(i / 8) % heads, i % 8];
      return values[(head * 40 + row) * 8 + d]!;
    });
  };
  const all = Array.from({ length: 40 }, (_, i) => i);
  const { out } = attend({
    q: await rows(q),
    k: await rows(k),
    v: await rows(v),
    heads: 4,
    kvHeads: 2,
    headDim: 8,
    sequences: [{ q: all, k: all }],
    score: (score, b, h) => score + slopes[h]!,
    mask: (b, h, i, j) => i >= j && i - j < 9,
  });
  return Float64Array.from(out, (_, i) => {
    const [head, row, d] = [Math.floor(i / 320), Math.floor(i / 8) % 40, i % 8];
    return out[(row * 4 + head) * 8 + d]!;
  });
}
