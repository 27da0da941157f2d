import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import { rowsOfView } from './readback.ts';
import { layers, type Served, step } from './serve.ts';
import {
  cached,
  bitsOf,
  cumulative,
  lengthOf,
  type Span,
  tokensOf,
  Toy,
  type ToyShape,
} from './toy.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const options = { causal: true, numSplits: 1 } as const;

/** What the pages stand for, one sequence behind the other, as f32. */
async function dequantised(
  view: PagedKvView,
): Promise<{ k: Tensor; v: Tensor; lengths: number[] }> {
  const rows = await rowsOfView(view);
  const heads = view.k.shape[2]!;
  const [k, v] = [view.headDim, view.headDimV].map((dim, x) => {
    const all = rows.flatMap((sequence) => sequence[x]!.map((row) => row!));
    const data = new Float32Array(all.length * heads * dim);
    all.forEach((row, i) => data.set(row, i * heads * dim));
    return gpu.tensor(data, { shape: [all.length, heads, dim] });
  });
  return { k: k!, v: v!, lengths: rows.map(([keys]) => keys!.length) };
}

/** Outputs of the last layer's queries over pages and over what the pages stand for. */
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
  const { k, v, lengths } = await dequantised(view);
  const lists = { cuSeqlensQ, cuSeqlensK: cumulative(lengths) };
  return [
    await bitsOf(varlenAttention(q, view, { ...options, cuSeqlensQ }).out),
    await bitsOf(varlenAttention(q, k, v, { ...options, ...lists }).out),
  ];
}

const shapes: readonly ToyShape[] = [
  { qHeads: 4, kvHeads: 2, headDim: 16, headDimV: 16 },
  { qHeads: 4, kvHeads: 2, headDim: 12, headDimV: 20 },
];

describe.for(['int8', 'int4'] as const)('%s pages', (dtype) => {
  it.for(shapes)(
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
});
