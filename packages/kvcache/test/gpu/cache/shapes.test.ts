import type { Gpu } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import { naive } from './naive.ts';
import { attentionWith, contiguous, layers, type Served, spansOf, step } from './serve.ts';
import { cached, bitsOf, tokensOf, Toy, type ToyShape, toyShape } from './toy.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const create = (shape: ToyShape, pageSize: number): Promise<PagedKvCache> => {
  const memory = {
    pageSize,
    pages: Math.ceil(800 / pageSize),
    dtype: 'f32',
    poison: true,
  } as const;
  return PagedKvCache.create(gpu, { ...cached(shape), layers, ...memory });
};

const shapes: readonly ToyShape[] = [
  { qHeads: 6, kvHeads: 2, headDim: 8, headDimV: 24 },
  { qHeads: 4, kvHeads: 1, headDim: 20, headDimV: 4 },
  { qHeads: 3, kvHeads: 3, headDim: 5, headDimV: 7 },
];

describe.for(shapes)(
  '$qHeads query heads of $headDim over $kvHeads with values of $headDimV',
  (shape) => {
    it('attend to pages as to contiguous memory', async () => {
      const toy = new Toy(gpu, shape);
      using cache = await create(shape, 7);
      const rng = new Rng(shape.headDim);
      const served: Served[] = [];
      for (let round = 0; round < 5; round++) {
        const tokens = [...Array(14).fill(3), ...tokensOf(rng, 6)];
        const sequence = cache.open({ tokens });
        served.push({ sequence, tokens: tokens.slice(0, sequence.cachedTokens) });
        const news = served.map((_, i) =>
          i === round ? tokens.slice(sequence.cachedTokens) : tokensOf(rng, 1),
        );
        const starts = served.map((one) => one.sequence.length);
        const out = await bitsOf(step(cache, toy, served, news));
        sequence.commit(tokens.slice(sequence.cachedTokens));
        const spans = served.map(({ tokens: all }, i) => {
          return { tokens: all, start: starts[i]!, end: all.length };
        });
        expect(out).toEqual(await bitsOf(contiguous(toy, spans)));
      }
      expect(cache.stats().hitTokens).toBe(4 * 14);
    });
  },
);

describe("numSplits 'auto'", () => {
  it('keeps a chunked prefill and a decode within the error of plain f32 arithmetic', async () => {
    const toy = new Toy(gpu);
    const layer = layers - 1;
    const tokens = tokensOf(new Rng(31), 520);
    const attention = attentionWith({ causal: true });
    using cache = await create(toyShape, 16);
    const mate: Served = { sequence: cache.open(), tokens: [] };
    const served: Served = { sequence: cache.open(), tokens: [] };
    step(cache, toy, [mate], [[7, 7]], 'f32', attention);
    for (const count of [300, 201, 1, 1, 15, 1, 1]) {
      const at = served.sequence.length;
      const news = [[8], tokens.slice(at, at + count)];
      const out = step(cache, toy, [mate, served], news, 'f32', attention);
      // The rows of a prefill are judged by every 25th, and all of a decode.
      const size = toyShape.qHeads * toyShape.headDimV;
      const got = (await out.read()).subarray(size);
      for (let row = count === 1 ? 0 : 24; row < count; row += 25) {
        const span = [{ tokens, start: at + row, end: at + row + 1 }];
        const exact = naive(toy, layer, span, (x) => x);
        const error = (rows: ArrayLike<number>): number =>
          exact.reduce((most, x, i) => Math.max(most, Math.abs(rows[i]! - x)), 0);
        const budget = 2 * error(naive(toy, layer, span, Math.fround)) + 4 * 2 ** -24;
        expect(error(got.subarray(row * size, (row + 1) * size))).toBeLessThanOrEqual(budget);
      }
    }
    expect(spansOf([served], [[]])[0]).toMatchObject({ start: 520, end: 520 });
  });
});
