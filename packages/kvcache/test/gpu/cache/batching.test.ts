import type { Gpu } from '@heed/core';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, expect, it } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import { type Request, Scheduler } from './scheduler.ts';
import { layers } from './serve.ts';
import { cached, tokensOf, Toy, toyShape } from './toy.ts';

let gpu: Gpu;
let toy: Toy;
beforeAll(async () => {
  gpu = await testGpu();
  toy = new Toy(gpu);
});

const create = (pages: number): Promise<PagedKvCache> => {
  const memory = { pageSize: 4, pages, dtype: 'f32', poison: true } as const;
  return PagedKvCache.create(gpu, { ...cached(toyShape), layers, ...memory });
};

/** Users of a few assistants, each with a system prompt of its own. */
function requests(rng: Rng, count: number): Request[] {
  const systems = [37, 24, 30].map((length) => tokensOf(rng, length));
  let arrival = 0;
  return Array.from({ length: count }, (_, id) => {
    arrival += rng.int(0, 1);
    const prompt = [...systems[rng.int(0, 2)]!, ...tokensOf(rng, rng.int(1, 12))];
    return { id, arrival, prompt, count: rng.int(6, 24) };
  });
}

/** What docs/kvcache.md cites. The same on every device: tokens, not their numbers, decide what is shared. */
const expectedLine =
  '64 requests in 56 pages of 4 tokens: 146 steps, hit rate 72.7 %, 126 preemptions, 505 of 2012 tokens recomputed, 412 evictions';

const percent = (x: number): string => `${(100 * x).toFixed(1)} %`;

it('64 requests in a small pool get what each would get alone', async () => {
  const all = requests(new Rng(64), 64);
  using small = await create(56);
  const together = await new Scheduler(small, toy, all, { batch: 10, chunk: 16 }).run();
  const stats = small.stats();
  expect(stats).toMatchObject({ sequences: 0, used: 0 });
  const { steps, preemptions, recomputed, computed } = together;
  const line =
    `64 requests in ${stats.pages} pages of 4 tokens: ${steps} steps, hit rate ${percent(stats.hitRate)}, ` +
    `${preemptions} preemptions, ${recomputed} of ${computed} tokens recomputed, ${stats.evictions} evictions`;
  console.log(line);
  expect(line).toBe(expectedLine);
  expect(Math.min(preemptions, recomputed, stats.evictions)).toBeGreaterThan(0);

  for (const request of all) {
    using own = await create(24);
    const alone = await new Scheduler(own, toy, [{ ...request, arrival: 0 }], {
      batch: 1,
      chunk: 64,
    }).run();
    expect(together.outputs.get(request.id)).toEqual(alone.outputs.get(request.id));
    expect(alone.outputs.get(request.id)).toHaveLength(request.count);
    expect(alone.preemptions).toBe(0);
  }
});
