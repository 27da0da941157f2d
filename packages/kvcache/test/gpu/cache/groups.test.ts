import { type Gpu, ValidationError } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CacheGroup, PagedKvCache } from '../../../src/index.ts';
import { wholeNumbers } from './followed.ts';
import { chunked, full, type Kind, LayeredToy, sliding } from './model-layers.ts';
import { expectRows } from './readback.ts';
import { cumulative, lengthOf, type Served, type Span, spansOf, tokensOf, Toy } from './toy.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const pageSize = 4;

/** Small models with the layers of released ones. */
const models: Readonly<Record<string, readonly Kind[]>> = {
  'Gemma 3: five windowed layers to one full, and one windowed layer more': [
    { layers: [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 12], sight: sliding(9) },
    { layers: [5, 11], sight: full },
  ],
  'gpt-oss: windowed and full layers alternate': [
    { layers: [0, 2], sight: sliding(6) },
    { layers: [1, 3], sight: full },
  ],
  'Llama 4: three layers of chunks to one full': [
    { layers: [0, 1, 2], sight: chunked(8) },
    { layers: [3], sight: full },
  ],
};

describe.for(Object.entries(models))('%s', ([, kinds]) => {
  it('every layer attends as over contiguous memory, through forks, windows and evictions', async () => {
    const toy = new LayeredToy(gpu, kinds);
    const options = { groups: toy.groups, pageSize, pages: 90, poison: true };
    using cache = await PagedKvCache.create(gpu, options);
    const rng = new Rng(7);
    const prompt = tokensOf(rng, 22);
    const first: Served = { sequence: cache.open(), tokens: [] };
    await toy.step(cache, [first], [prompt.slice(0, 13)]);
    await toy.step(cache, [first], [prompt.slice(13)]);
    first.sequence.commit(prompt);
    const second = cache.open({ tokens: [...prompt.slice(0, 20), 1, 2, 3] });
    expect(second.cachedTokens).toBe(20);
    const served = [
      first,
      { sequence: first.sequence.fork(), tokens: [...prompt] },
      { sequence: second, tokens: prompt.slice(0, 20) },
    ];
    served[1]!.sequence.truncate(21);
    for (let round = 0; round < 4; round++) {
      const news = served.map((_, i) => tokensOf(rng, 1 + ((i + round) % 3)));
      await toy.step(cache, served, news);
    }
    [22, 21, 20].forEach((committed, i) => {
      const { sequence, tokens } = served[i]!;
      sequence.commit(tokens.slice(committed));
      sequence.close();
    });
    const { used, cached, free, pages, groups, salts } = cache.stats({ salts: true });
    expect([used, cached + free]).toEqual([0, pages]);
    const held = groups.reduce((sum, group) => sum + group.bytes, 0);
    const lost = groups.reduce((sum, group) => sum + group.padding, 0);
    expect(salts).toEqual([{ salt: '', used: 0, cached: held - lost }]);
    const again = cache.open({ tokens: [...first.tokens, 5] });
    expect(again.cachedTokens).toBe(Math.floor(first.tokens.length / pageSize) * pageSize);
    await toy.step(
      cache,
      [{ sequence: again, tokens: first.tokens.slice(0, again.length) }],
      [[5]],
    );
  });
});

/** Windowed layers beside full ones whose values are columns of their keys, with other heads. */
const mixed: readonly Kind[] = [
  { layers: [0, 2], sight: sliding(9) },
  {
    layers: [1, 3],
    sight: full,
    shape: { qHeads: 4, kvHeads: 1, headDim: 16, headDimV: 12 },
    options: { sharedKv: true },
  },
];

describe('groups of other shapes', () => {
  it('a group with sharedKv beside a plain one: two of its pages fill the K part of a block', async () => {
    const kinds = mixed.map((kind) => ({ ...kind }));
    const toy = new LayeredToy(gpu, kinds);
    using cache = await PagedKvCache.create(gpu, { groups: toy.groups, pageSize, pages: 40 });
    const served: Served[] = [{ sequence: cache.open(), tokens: [] }];
    const rng = new Rng(2);
    for (const count of [9, 1, 6, 1]) await toy.step(cache, served, [tokensOf(rng, count)]);
    served.push({ sequence: served[0]!.sequence.fork(), tokens: [...served[0]!.tokens] });
    await toy.step(cache, served, [tokensOf(rng, 1), tokensOf(rng, 2)]);
    const view = cache.view(1, [served[0]!.sequence]);
    expect(view).toMatchObject({ sharedKv: true, headDimV: 12 });
    expect(view.k.shape[0]).toBe(2 * cache.view(0, []).k.shape[0]!);
    const { groups, bytes, pages } = cache.stats();
    const block = bytes / (pages + 1);
    expect(block).toBe(2 * 2 * pageSize * 2 * 16 * 4); // two layers, K and V
    const blocksOf = groups.map((group) => group.bytes / block);
    expect(blocksOf).toEqual(groups.map(({ used, free }, i) => (used + free) / (i + 1)));
    expect(groups.map(({ padding }) => padding)).toEqual([0, (blocksOf[1]! * block) / 2]); // no V
  });

  it(
    'rows of several formats lie in one block, keys and values apart, whatever the step',
    { tags: ['device'] },
    async () => {
      const groups: CacheGroup[] = [
        { layers: [0, 1], kvHeads: 2, headDim: 12, dtype: 'f32', window: 6 },
        { layers: [2, 3, 4], kvHeads: 2, headDim: 44, headDimV: 24, dtype: 'int8', dtypeV: 'f16' },
        {
          layers: [5, 6],
          kvHeads: 2,
          headDim: 24,
          headDimV: 44,
          dtypeV: 'int8',
          window: 9,
          sinkTokens: 3,
        },
        { layers: [7, 8], kvHeads: 1, headDim: 22 }, // 11 of 12 words
        { layers: [9, 10], kvHeads: 1, headDim: 28, dtype: 'int8' }, // three to a block
      ];
      const toys = groups.map(({ kvHeads, headDim, headDimV = headDim }) => {
        return new Toy(gpu, { qHeads: 2, kvHeads, headDim, headDimV }, wholeNumbers);
      });
      using cache = await PagedKvCache.create(gpu, { groups, pageSize, pages: 60, poison: true });
      const rng = new Rng(3);
      const served: Served[] = [0, 1, 2].map(() => ({ sequence: cache.open(), tokens: [] }));
      for (let round = 0; round < 9; round++) {
        const news = served.map((_, i) => tokensOf(rng, round === 0 ? 5 * i : 1 + (i % 2)));
        const spans = spansOf(served, news);
        const sequences = served.map(({ sequence }) => sequence);
        const cuSeqlens = cumulative(spans.map(lengthOf));
        for (const [i, { layers }] of groups.entries()) {
          for (const layer of layers) {
            using k = toys[i]!.rows('k', layer, spans);
            using v = toys[i]!.rows('v', layer, spans);
            cache.append(layer, sequences, k, v, { cuSeqlens });
          }
        }
        if (round === 4) {
          const { sequence, tokens } = served[1]!;
          served.push({ sequence: sequence.fork(), tokens: [...tokens] });
          served.shift()!.sequence.close();
        }
        const all = served.map(({ tokens }): Span => ({ tokens, start: 0, end: tokens.length }));
        const open = served.map(({ sequence }) => sequence);
        for (const [i, { layers, sinkTokens }] of groups.entries()) {
          for (const layer of layers) {
            await expectRows(cache.view(layer, open), layer, toys[i]!, all, sinkTokens);
          }
        }
      }
      expect(groups.map(({ layers: [layer] }) => cache.view(layer!, []).k.shape[0])).toEqual([
        61, 61, 61, 122, 183,
      ]);
    },
  );
});

describe('layers that read the pages of another', () => {
  const kinds: readonly Kind[] = [
    { layers: [0, 2], sight: sliding(6) },
    { layers: [1, 3], sight: full },
  ];
  const reads = { 4: 2, 5: 3 };

  it('have its view, and take no rows', async () => {
    const toy = new LayeredToy(gpu, kinds);
    using cache = await PagedKvCache.create(gpu, { groups: toy.groups, reads, pages: 12 });
    const sequence = cache.open();
    const served = [{ sequence, tokens: [] }];
    await toy.step(cache, served, [[1, 2, 3]]);
    expect(sequence.length).toBe(3);
    for (const [layer, read] of Object.entries(reads)) {
      const [own, other] = [cache.view(Number(layer), [sequence]), cache.view(read, [sequence])];
      expect(own.k.buffer).toBe(other.k.buffer);
      expect(own.blockTable).toBe(other.blockTable);
      expect([own.window, own.maxSeqlenK]).toEqual([other.window, 3]);
      const k = gpu.empty([1, 2, 16]);
      const append = (): void => cache.append(Number(layer), [sequence], k, k);
      expect(append).toThrow(ValidationError);
      expect(append).toThrow(`those of layer ${read}`);
    }
    expect(sequence.length).toBe(3);
  });
});
