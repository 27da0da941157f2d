import type { Gpu, Tensor } from '@heed/core';
import { testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { createBlockMask } from '../../src/index.ts';
import { causal } from '../../src/masks/index.ts';
import { bits, Source } from './data.ts';
import { attention, both, byRows, type Lists, pairs, ROWS } from './stale.ts';

// Lists on the GPU change without the host: what a mask knew of them then must not count now.

let gpu: Gpu;
let source: Source;
beforeAll(async () => {
  gpu = await testGpu();
  source = new Source(gpu, 20);
});

const list = (...cu: number[]): Lists => ({ cuQ: cu, cuK: cu });

describe('a mask made for packed sequences gives what its maskMod gives', () => {
  it.for([
    ['causal', causal],
    ['one that reads rows of memory', byRows],
  ] as const)('%s, random lists', async ([, maskMod]) => {
    const use = attention(source.packed(ROWS, ROWS));
    for (const pair of fc.sample(pairs, { numRuns: 12, seed: 5 })) {
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
  const used = fc.array(fc.integer({ min: 0, max: 128 }), { minLength: 2, maxLength: 2 });

  it('of dense tensors, and of a slice', async () => {
    const all = source.dense(2, 40, 128);
    const onGpu = (lengths: readonly number[]): Tensor =>
      gpu.tensor(lengths, { shape: [lengths.length], dtype: 'i32' });
    for (const [made, now] of fc.sample(fc.tuple(used, used), { numRuns: 8, seed: 7 })) {
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
