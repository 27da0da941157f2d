import { type Gpu, UnsupportedError, type PageFormat } from '@heed/core';
import { varlenAttention, varlenAttentionVjp } from '@heed/kernels-wgsl';
import { isFullRun, Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import { dequantised } from './readback.ts';
import {
  bitsOf,
  cached,
  cumulative,
  lengthOf,
  type Served,
  type Span,
  spansOf,
  tokensOf,
  Toy,
  type ToyShape,
} from './toy.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const shape: ToyShape = { qHeads: 4, kvHeads: 2, headDim: 16, headDimV: 24 };
const formats: readonly (readonly [PageFormat, PageFormat])[] = [
  ['int8', 'f16'],
  ['f16', 'int4'],
  ['int4', 'int8'],
  ['bf16', 'f32'],
];

describe.for(isFullRun() ? formats : formats.slice(0, 2))(
  'keys in %s and values in %s',
  ([dtype, dtypeV]) => {
    const create = (): Promise<PagedKvCache> => {
      const memory = { layers: 1, pageSize: 5, pages: 40, dtype, dtypeV, poison: true } as const;
      return PagedKvCache.create(gpu, { ...cached(shape), ...memory });
    };

    it.for([1, 2] as const)(
      'are attended to as f32 rows of what they stand for: numSplits %i',
      { tags: ['device'] },
      async (numSplits) => {
        const toy = new Toy(gpu, shape);
        using cache = await create();
        const rng = new Rng(numSplits);
        const served: Served[] = [17, 4].map(() => ({ sequence: cache.open(), tokens: [] }));
        for (const counts of [
          [17, 4],
          [1, 1],
        ]) {
          const spans: Span[] = spansOf(
            served,
            counts.map((count) => tokensOf(rng, count)),
          );
          const sequences = served.map(({ sequence }) => sequence);
          const cuSeqlens = cumulative(spans.map(lengthOf));
          using k = toy.rows('k', 0, spans);
          using v = toy.rows('v', 0, spans);
          cache.append(0, sequences, k, v, { cuSeqlens });
          const view = cache.view(0, sequences);
          expect(view).toMatchObject({ format: dtype, formatV: dtypeV });
          const rows = await dequantised(gpu, view);
          using q = toy.rows('q', 0, spans);
          const options = { causal: true, numSplits } as const;
          const paged = varlenAttention(q, view, options).out;
          const packed = varlenAttention(q, rows.k, rows.v, {
            ...options,
            cuSeqlensQ: cuSeqlens,
            cuSeqlensK: cumulative(rows.lengths),
          }).out;
          if (numSplits === 1) expect(await bitsOf(paged)).toEqual(await bitsOf(packed));
          const [got, want] = [await paged.read(), await packed.read()];
          const values = await rows.v.read();
          // Decoding adds in the order of its tiles: each of up to 18 weights and products rounds once, and exp by 2 ulp.
          const budget = 2 * (2 * 18 + 4) * 2 ** -24 * Math.max(...values.map(Math.abs));
          want.forEach((x, i) => expect(Math.abs(got[i]! - x)).toBeLessThanOrEqual(budget));
        }
      },
    );

    it('refuse a gradient', async () => {
      using cache = await create();
      const sequence = cache.open();
      const x = gpu.empty([1, 2, 16]);
      cache.append(0, [sequence], x, gpu.empty([1, 2, 24]));
      const q = gpu.empty([1, 4, 16]);
      expect(() => varlenAttentionVjp(q, cache.view(0, [sequence]), { causal: true })).toThrow(
        UnsupportedError,
      );
    });
  },
);
