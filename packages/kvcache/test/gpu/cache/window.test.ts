import type { Gpu } from '@heed/core';
import { flexAttention, type MaskMod } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { varlenAttention } from '@heed/kernels-wgsl';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import {
  type Attention,
  attentionWith,
  bitsOf,
  cached,
  contiguous,
  layers,
  type Served,
  spansOf,
  step,
  tokensOf,
  Toy,
  toyShape,
} from './toy.ts';

let gpu: Gpu;
let toy: Toy;
beforeAll(async () => {
  gpu = await testGpu();
  toy = new Toy(gpu);
});

const window = 9;
const pageSize = 4;

const sliding: Attention = {
  ...attentionWith({ causal: true, window: [window, 0], numSplits: 1 }),
  paged: (q, view) => varlenAttention(q, view, { causal: true, numSplits: 1 }).out,
};

/** Keys of the window and the first few: what a cache with the same numbers keeps. */
const withSinks: MaskMod<{ window: number; sinkTokens: number }> = (b, h, q, kv, c) =>
  q >= kv && (q - kv <= c.window || kv < c.sinkTokens);

const streaming = (sinkTokens: number): Attention => {
  const options = { maskMod: withSinks, captures: { window, sinkTokens }, numSplits: 1 };
  return {
    paged: (q, view) => flexAttention(q, view, { maskMod: causal, numSplits: 1 }).out,
    packed: (q, k, v, lists) => flexAttention(q, k, v, { ...options, ...lists }).out,
  };
};

const kinds = [
  { name: 'a window', sinkTokens: 0, attention: sliding },
  { name: 'a window and 6 sinks', sinkTokens: 6, attention: streaming(6) },
];

describe.for(kinds)('a cache with $name', ({ sinkTokens, attention }) => {
  const create = (pages: number): Promise<PagedKvCache> => {
    const memory = { pageSize, pages, dtype: 'f32', window, sinkTokens, poison: true } as const;
    return PagedKvCache.create(gpu, { ...cached(toyShape), layers, ...memory });
  };

  const tags = sinkTokens > 0 ? [] : ['full'];
  it('releases what no query can see, and attention sees no difference', { tags }, async () => {
    using cache = await create(24);
    const rng = new Rng(11);
    const served = [30, 1, 12].map((count): Served & { prompt: number[] } => {
      return { sequence: cache.open(), tokens: [], prompt: tokensOf(rng, count) };
    });
    for (let round = 0; round < 28; round++) {
      const news = served.map(({ prompt }) =>
        round === 0 ? prompt : tokensOf(rng, rng.int(0, 2)),
      );
      const starts = served.map(({ sequence }) => sequence.length);
      const out = await bitsOf(step(cache, toy, served, news, 'f32', attention));
      const spans = served.map(({ tokens }, i) => {
        return { tokens, start: starts[i]!, end: tokens.length };
      });
      expect(out).toEqual(await bitsOf(contiguous(toy, spans, 'f32', attention)));
    }
    const view = cache.view(
      0,
      served.map(({ sequence }) => sequence),
    );
    const [table, lengths] = [await view.blockTable.read(), await view.seqUsedK.read()];
    const maxPages = view.blockTable.shape[1]!;
    const sinkPages = Math.ceil(sinkTokens / pageSize);
    let used = 0;
    lengths.forEach((length, b) => {
      const row = [...table.subarray(b * maxPages, b * maxPages + Math.ceil(length / pageSize))];
      expect(row.slice(0, sinkPages)).not.toContain(0);
      const kept = row.slice(sinkPages).filter((page) => page > 0);
      // The window, the last append, and a page at either end.
      expect(kept.length).toBeLessThanOrEqual(Math.ceil((window + 2) / pageSize) + 1);
      expect(row.slice(-Math.ceil(window / pageSize))).not.toContain(0);
      used += kept.length + Math.min(sinkPages, row.length);
    });
    expect(table).toContain(0);
    expect(cache.stats()).toMatchObject({ used, sequences: 3 });
    expect(view.window).toBe(window);
  });

  it('finds a prefix whose released pages are gone, and goes on from it', async () => {
    using cache = await create(10);
    const tokens = tokensOf(new Rng(13), 41);
    const first: Served = { sequence: cache.open(), tokens: [] };
    for (let at = 0; at < 40; at += 8) {
      const some = tokens.slice(at, at + 8);
      step(cache, toy, [first], [some], 'f32', attention);
      first.sequence.commit(some);
    }
    // Ten pages do not hold the ten committed ones and those of another sequence.
    const other: Served = { sequence: cache.open(), tokens: [] };
    step(cache, toy, [other], [tokensOf(new Rng(14), 9)], 'f32', attention);
    expect(cache.stats().evictions).toBe(3);
    first.sequence.close();
    other.sequence.close();
    const sequence = cache.open({ tokens });
    expect(sequence.cachedTokens).toBe(40);
    const again: Served = { sequence, tokens: tokens.slice(0, 40) };
    const spans = spansOf([again], [tokens.slice(40)]);
    const out = step(cache, toy, [again], [tokens.slice(40)], 'f32', attention);
    expect(await bitsOf(out)).toEqual(await bitsOf(contiguous(toy, spans, 'f32', attention)));
  });

  it('refuses to roll back to where released keys would be seen, and changes nothing', async () => {
    using cache = await create(24);
    const served: Served = { sequence: cache.open(), tokens: [] };
    for (const count of [30, 10]) {
      step(cache, toy, [served], [tokensOf(new Rng(count), count)], 'f32', attention);
    }
    const before = cache.stats();
    expect(() => served.sequence.truncate(20)).toThrow(/window of 9 has released: length must be/);
    expect(cache.stats()).toEqual(before);
    expect(served.sequence.length).toBe(40);
    served.sequence.truncate(34);
    const starts = [{ tokens: [...served.tokens.slice(0, 34), 5], start: 34, end: 35 }];
    const out = step(cache, toy, [served], [[5]], 'f32', attention);
    expect(await bitsOf(out)).toEqual(await bitsOf(contiguous(toy, starts, 'f32', attention)));
  });
});

/** `sliding_window_overlay` of Hugging Face's transformers, with the causal mask. */
const isSeen = (i: number, j: number, slidingWindow: number): boolean =>
  j <= i && j > i - slidingWindow;

it(
  "sliding_window: 4 of a model's config is a window of 3 keys before the query",
  { tags: ['full'] },
  async () => {
    const [slidingWindow, length] = [4, 10];
    const mean = (i: number): number => {
      const seen = Array.from({ length }, (_, j) => j).filter((j) => isSeen(i, j, slidingWindow));
      return seen.reduce((a, b) => a + b, 0) / seen.length;
    };
    const means = Array.from({ length }, (_, i) => mean(i));
    // Scores are equal, and the value of a row is its position.
    const zeros = gpu.tensor(new Float32Array(length), { shape: [length, 1, 1] });
    const positions = gpu.tensor(
      Array.from({ length }, (_, i) => i),
      { shape: [length, 1, 1] },
    );

    const whole = varlenAttention(zeros, zeros, positions, {
      cuSeqlensQ: Int32Array.of(0, length),
      causal: true,
      window: [slidingWindow - 1, 0],
    });
    expect(await whole.out.read()).toMatchTensor(means, { tolerance: 1e-6 });

    using cache = await PagedKvCache.create(gpu, {
      layers: 1,
      kvHeads: 1,
      headDim: 1,
      pageSize: 2,
      pages: 16,
      dtype: 'f32',
      window: slidingWindow - 1,
    });
    const sequence = cache.open();
    for (let i = 0; i < length; i++) {
      const [zero, row] = [zeros, positions].map((all) => all.slice(0, i, i + 1));
      cache.append(0, [sequence], zero!, row);
      const { out } = varlenAttention(zero!, cache.view(0, [sequence]), { causal: true });
      expect(await out.read()).toMatchTensor([means[i]!], { tolerance: 1e-6 });
    }
  },
);
