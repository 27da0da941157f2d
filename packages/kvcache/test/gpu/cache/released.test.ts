import { type Gpu, ValidationError } from '@heed/core';
import { flexAttention } from '@heed/flex';
import { slidingWindow } from '@heed/flex/masks';
import { varlenAttention } from '@heed/kernels-wgsl';
import { testGpu } from '@heed/testing';
import { beforeAll, expect, it } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import { cached, Toy, toyShape } from './toy.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

it('attention over a windowed view has to look away from what was released', async () => {
  using cache = await PagedKvCache.create(gpu, {
    ...cached(toyShape),
    layers: 1,
    pages: 8,
    window: 4,
  });
  const sequence = cache.open();
  const rows = (x: 'q' | 'k' | 'v') =>
    new Toy(gpu).rows(x, 0, [{ tokens: [1, 2, 3, 4, 5, 6, 7], start: 0, end: 7 }], 'f32');
  cache.append(0, [sequence], rows('k'), rows('v'));
  const view = cache.view(0, [sequence]);
  const { cuSeqlensQ } = view;
  const call = (window?: readonly [number, number]) => () =>
    varlenAttention(rows('q'), view, { cuSeqlensQ, causal: true, ...(window && { window }) });
  for (const window of [undefined, [-1, 0], [5, 0]] as const) {
    expect(call(window)).toThrow(ValidationError);
    expect(call(window)).toThrow(/keys more than 4 before a query may have been released/);
  }
  expect(call([4, 0])).not.toThrow();
  expect(call([0, -1])).not.toThrow();
  const scoreMod = (score: number) => score;
  const maskMod = slidingWindow;
  const captures = { window: 4 };
  expect(() => flexAttention(rows('q'), view, { cuSeqlensQ, scoreMod })).toThrow(/by a maskMod/);
  const masked = () => flexAttention(rows('q'), view, { cuSeqlensQ, maskMod, captures });
  expect(masked).not.toThrow();
  await gpu.settled();
});
