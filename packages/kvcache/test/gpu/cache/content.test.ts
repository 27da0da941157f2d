import type { Gpu } from '@heed/core';
import { isFullRun, testGpu } from '@heed/testing';
import * as fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { type CacheOptions, PagedKvCache, priority } from '../../../src/index.ts';
import { program } from '../../unit/ledger/program.ts';
import { FollowedCache, wholeNumbers, wholeShape } from './followed.ts';
import { Toy } from './toy.ts';

let gpu: Gpu;
let toy: Toy;
beforeAll(async () => {
  gpu = await testGpu();
  toy = new Toy(gpu, wholeShape, wholeNumbers);
});

const { kvHeads, headDim, headDimV } = wholeShape;
const shape = { kvHeads, headDim, headDimV, poison: true } as const;

const settings: Record<string, CacheOptions> = {
  'f32, pages of 2': { ...shape, layers: 2, pageSize: 2, pages: 12, dtype: 'f32' },
  'int8, pages of 3': { ...shape, layers: 3, pageSize: 3, pages: 7, dtype: 'int8' },
  'f32, pages of 1, priority': {
    ...shape,
    layers: 1,
    pageSize: 1,
    pages: 20,
    dtype: 'f32',
    eviction: priority,
  },
  'int8, a window with sinks': {
    ...shape,
    layers: 2,
    pageSize: 2,
    pages: 10,
    dtype: 'int8',
    window: 4,
    sinkTokens: 3,
  },
};

const opsPerProgram = 160;
const opsPerCheck = 8;

// The host's part of the same calls runs some 100,000 times in test/unit/ledger; here memory is read back.
describe('random programs leave in every page what was appended', () => {
  const entries = Object.entries(settings);
  it.each(isFullRun() ? entries : entries.slice(1, 2))('%s', async (_, options) => {
    let [appends, evictions, copies, hits, oldViews] = [0, 0, 0, 0, 0];
    const property = fc.asyncProperty(program(opsPerProgram), async (ops) => {
      using cache = await PagedKvCache.create(gpu, options);
      const followed = new FollowedCache(cache, options.layers, toy, options.sinkTokens);
      for (const [i, op] of ops.entries()) {
        await followed.run(op);
        if (op.op === 'append') appends++;
        if (i % opsPerCheck === opsPerCheck - 1) await followed.check();
      }
      const stats = cache.stats();
      evictions += stats.evictions;
      copies += stats.copies;
      hits += stats.hitTokens;
      oldViews += followed.oldViews;
    });
    await fc.assert(property, { seed: 7, numRuns: isFullRun() ? 60 : 8, endOnFailure: true });
    expect(Math.min(appends, evictions, hits, oldViews)).toBeGreaterThan(0);
    if (options.pageSize! > 1) expect(copies).toBeGreaterThan(0);
  });
});
