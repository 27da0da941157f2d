import { type Gpu, ValidationError } from '@heed/core';
import { createBlockMask, flexAttention } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { testGpu } from '@heed/testing';
import { beforeAll, expect, it } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import { cached, Toy, toyShape } from './toy.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

it('a block mask of a view is refused for the next, whose lengths the host knows too', async () => {
  using cache = await PagedKvCache.create(gpu, { ...cached(toyShape), layers: 1, pages: 8 });
  const sequence = cache.open();
  const toy = new Toy(gpu);
  const tokens = [1, 2, 3, 4, 5, 6];
  const append = (start: number, end: number): void => {
    const rows = (x: 'k' | 'v') => toy.rows(x, 0, [{ tokens, start, end }], 'f32');
    cache.append(0, [sequence], rows('k'), rows('v'));
  };
  append(0, 5);
  const view = cache.view(0, [sequence]);
  const { cuSeqlensQ, seqUsedK, blockTable } = view;
  // Neither Lq nor Lk: what the view's lists hold is known.
  using blockMask = createBlockMask(gpu, causal, { cuSeqlensQ, seqUsedK, blockTable });
  const q = toy.rows('q', 0, [{ tokens, start: 0, end: 5 }], 'f32');
  const call = { cuSeqlensQ, blockMask };
  expect(() => flexAttention(q, view, call)).not.toThrow();
  append(5, 6);
  const next = cache.view(0, [sequence]);
  const stale = (): unknown =>
    flexAttention(q, next, { cuSeqlensQ: Int32Array.of(0, 5), blockMask });
  expect(stale).toThrow(ValidationError);
  expect(stale).toThrow('blockMask was made for seqUsedK[0] = 5; got 6');
  await gpu.settled();
});
