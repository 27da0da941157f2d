import type { Gpu, Tensor } from '@heed/core';
import { bits, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { compileMod, flexAttentionVjp, type MaskMod, type ScoreMod } from '../../src/index.ts';

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 61, 8);
});

type Mod = ScoreMod<{ bias: Tensor }>;

// Of a batch of one, rows of memory are positions but for where the queries begin; the compiler counts on no such thing.
const pairsOfMods: readonly (readonly [name: string, byOffset: Mod, byRows: Mod])[] = [
  [
    'added',
    (s, b, h, q, kv, { bias }) => s + bias[h]![q - kv + 40]!,
    (s, b, h, q, kv, { bias }, { qRow, kvRow, qLen, kvLen }) =>
      s + bias[h]![qRow + kvLen - qLen - kvRow + 40]!,
  ],
  [
    'under a tanh, whose slope reads it too',
    (s, b, h, q, kv, { bias }) => 3 * Math.tanh(s + bias[h]![Math.abs(q - kv)]!),
    (s, b, h, q, kv, { bias }, { qRow, kvRow, qLen, kvLen }) =>
      3 * Math.tanh(s + bias[h]![Math.abs(qRow + kvLen - qLen - kvRow)]!),
  ],
];

// The tile of keys in between is skipped.
const withGap: MaskMod = (b, h, q, kv) => kv < 20 || kv >= 70;

describe.for(pairsOfMods)('a bias by q − kv, %s', ([, byOffset, byRows]) => {
  it('is told from one by rows', () => {
    const captures = { bias: { dtype: 'f32', shape: [4, 150] } };
    expect(compileMod(byOffset, captures).wgsl).toContain('fn diagonal_mod');
    expect(compileMod(byRows, captures).wgsl).not.toContain('fn diagonal_mod');
  });

  it.for([
    ['square', 100, 100],
    ['wide', 45, 150],
  ] as const)(
    'has the bits of one by rows, forward and backward, over a gap: %s',
    { tags: ['full'] },
    async ([, lq, lk]) => {
      const { q, k, v } = source.dense(1, lq, lk);
      const bias = source.normal([4, 150]);
      const [dOut, dLse] = [source.normal(q.shape), source.normal(q.shape.slice(0, 3))];
      const run = async (scoreMod: Mod): Promise<Uint32Array[]> => {
        const options = { scoreMod, maskMod: withGap, captures: { bias }, returnLse: true };
        const { out, lse, backward } = flexAttentionVjp(q, k, v, options);
        const { dq, dk, dv, dCaptures } = backward(dOut, dLse);
        return bits(out, lse, dq, dk, dv, dCaptures['bias']);
      };
      const [want, got] = [await run(byRows), await run(byOffset)];
      expect(got).toEqual(want);
      expect(got.every((words) => words.some((word) => word !== 0))).toBe(true);
    },
  );
});
