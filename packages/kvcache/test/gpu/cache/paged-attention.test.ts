import type { Gpu } from '@heed/core';
import { isFullRun, Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import {
  bitsOf,
  cached,
  contiguous,
  layers,
  type Served,
  type Span,
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

const pools = [
  ['f32', 16],
  ['f32', 1],
  ['f32', 5],
  ['f16', 16],
  ['f16', 7],
  ['bf16', 3],
] as const;

// A page size is data, and each type has its kernels.
describe.for(isFullRun() ? pools : pools.slice(2, 4))(
  '%s pages of %i tokens',
  ([dtype, pageSize]) => {
    const create = (pages = Math.ceil(200 / pageSize)): Promise<PagedKvCache> =>
      PagedKvCache.create(gpu, {
        ...cached(toyShape),
        layers,
        pageSize,
        pages,
        dtype,
        poison: true,
      });

    it('give the bits of contiguous memory after forks, rollbacks and evictions', async () => {
      using cache = await create();
      const rng = new Rng(3);
      let alive: Served[] = [];
      for (let round = 0; round < 24; round++) {
        const prompt = [...Array(20).fill(round % 3), ...tokensOf(rng, 12)];
        const opened = { sequence: cache.open({ tokens: prompt }), tokens: prompt };
        step(cache, toy, [opened], [prompt.slice(opened.sequence.cachedTokens)], dtype);
        opened.sequence.commit(prompt.slice(opened.sequence.cachedTokens));
        alive.push(opened, { sequence: opened.sequence.fork(), tokens: [...prompt] });
        const other = alive[rng.int(0, alive.length - 1)]!;
        other.sequence.truncate(other.sequence.length - rng.int(0, 3));
        const batch = alive.filter((_, i) => i % 4 !== round % 4);
        const news = batch.map(() => tokensOf(rng, rng.int(0, 3)));
        const spans = batch.map(({ sequence, tokens }, i): Span => {
          const start = sequence.length;
          const all = [...tokens.slice(0, start), ...news[i]!];
          return { tokens: all, start, end: all.length };
        });
        const out = step(cache, toy, batch, news, dtype);
        expect(await bitsOf(out)).toEqual(await bitsOf(contiguous(toy, spans, dtype)));
        for (const { sequence } of alive.slice(0, -4)) sequence.close();
        alive = alive.slice(-4);
      }
      expect(cache.stats()).toMatchObject({ sequences: 4 });
      expect(cache.stats().hitTokens).toBeGreaterThan(0);
      expect(cache.stats().evictions).toBeGreaterThan(0);
      if (pageSize > 1) expect(cache.stats().copies).toBeGreaterThan(0);
    });

    it('give a chunked prefill and a decode token by token the bits of the whole', async () => {
      using cache = await create();
      const tokens = tokensOf(new Rng(5), 70);
      const whole = await bitsOf(contiguous(toy, [{ tokens, start: 0, end: 70 }], dtype));
      for (const chunks of [[70], [40, 30], [33, 17, 1, 19], [50, ...Array<number>(20).fill(1)]]) {
        const sequence = cache.open();
        const served = { sequence, tokens: [] };
        const rows: Uint32Array[] = [];
        for (const count of chunks) {
          const { length } = sequence;
          rows.push(
            await bitsOf(step(cache, toy, [served], [tokens.slice(length, length + count)], dtype)),
          );
        }
        expect(Uint32Array.from(rows.flatMap((row) => [...row]))).toEqual(whole);
        sequence.close();
      }
    });
  },
);
