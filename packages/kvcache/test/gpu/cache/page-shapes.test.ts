import type { Gpu } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import { isFullRun, Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import { errorsOf } from './naive-attention.ts';
import { dequantised } from './readback.ts';
import {
  attentionWith,
  bitsOf,
  cached,
  contiguous,
  cumulative,
  layers,
  lengthOf,
  type Served,
  type Span,
  spansOf,
  step,
  tokensOf,
  Toy,
  type ToyShape,
  toyShape,
} from './toy.ts';

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

// Each shape compiles its own kernels, about ten seconds on a software adapter.
describe.for(isFullRun() ? shapes : shapes.slice(0, 1))(
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
      // Every 25th row of a prefill is checked, and every row of a decode.
      const size = toyShape.qHeads * toyShape.headDimV;
      const got = (await out.read()).subarray(size);
      for (let row = count === 1 ? 0 : 24; row < count; row += 25) {
        const span = { tokens, start: at + row, end: at + row + 1 };
        const own = got.subarray(row * size, (row + 1) * size);
        const { error, budget } = errorsOf(toy, layer, span, own);
        expect(error).toBeLessThanOrEqual(budget);
      }
    }
    expect(spansOf([served], [[]])[0]).toMatchObject({ start: 520, end: 520 });
  });
});

const options = { causal: true, numSplits: 1 } as const;

/** Returns the outputs of the last layer's queries over pages and over their dequantised rows. */
async function both(
  cache: PagedKvCache,
  toy: Toy,
  served: readonly Served[],
  spans: readonly Span[],
): Promise<[paged: Uint32Array, packed: Uint32Array]> {
  const view = cache.view(
    layers - 1,
    served.map(({ sequence }) => sequence),
  );
  const q = toy.rows('q', layers - 1, spans);
  const cuSeqlensQ = cumulative(spans.map(lengthOf));
  const { k, v, lengths } = await dequantised(gpu, view);
  const lists = { cuSeqlensQ, cuSeqlensK: cumulative(lengths) };
  return [
    await bitsOf(varlenAttention(q, view, { ...options, cuSeqlensQ }).out),
    await bitsOf(varlenAttention(q, k, v, { ...options, ...lists }).out),
  ];
}

const quantisedShapes: readonly ToyShape[] = [
  { qHeads: 4, kvHeads: 2, headDim: 16, headDimV: 16 },
  { qHeads: 4, kvHeads: 2, headDim: 12, headDimV: 20 },
];

describe.for(isFullRun() ? (['int8', 'int4'] as const) : (['int8'] as const))(
  '%s pages',
  (dtype) => {
    it.for(isFullRun() ? quantisedShapes : quantisedShapes.slice(1))(
      'give the bits of f32 attention over what they stand for, D $headDim, Dv $headDimV',
      async (shape) => {
        const toy = new Toy(gpu, shape);
        const memory = { pageSize: 5, pages: 40, dtype, poison: true } as const;
        using cache = await PagedKvCache.create(gpu, { ...cached(shape), layers, ...memory });
        const rng = new Rng(shape.headDim);
        const prompt = tokensOf(rng, 33);
        const first: Served = { sequence: cache.open(), tokens: [] };
        step(cache, toy, [first], [prompt.slice(0, 20)]);
        step(cache, toy, [first], [prompt.slice(20)]);
        first.sequence.commit(prompt);
        const served = [
          first,
          { sequence: first.sequence.fork(), tokens: [...first.tokens] },
          {
            sequence: cache.open({ tokens: [...prompt.slice(0, 12), 9, 9] }),
            tokens: prompt.slice(0, 10),
          },
        ];
        for (let round = 0; round < 4; round++) {
          const starts = served.map(({ sequence }) => sequence.length);
          step(
            cache,
            toy,
            served,
            served.map((_, i) => tokensOf(rng, round === 0 ? 1 + 3 * i : 1)),
          );
          const spans = served.map(({ tokens }, i) => {
            return { tokens, start: starts[i]!, end: tokens.length };
          });
          const [paged, packed] = await both(cache, toy, served, spans);
          expect(paged).toEqual(packed);
        }
        // A whole prefill too.
        const whole = served.map(({ tokens }): Span => ({ tokens, start: 0, end: tokens.length }));
        const [paged, packed] = await both(cache, toy, served, whole);
        expect(paged).toEqual(packed);
        expect(cache.stats().copies).toBeGreaterThan(0);
        expect(cache.stats().hitTokens).toBe(10);
      },
    );
  },
);
