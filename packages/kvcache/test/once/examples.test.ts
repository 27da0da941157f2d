import type { Gpu } from '@heed/core';
import { PagedKvCache } from '@heed/kvcache';
import { guideExamples, printedBy, shown } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as docstrings from '../examples/docstrings.ts';

const texts = import.meta.glob(['../../../../docs/kvcache.md', '../examples/guide/*.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
});
const guide = guideExamples(texts['../../../../docs/kvcache.md']!);
const files = Object.keys(texts).filter((path) => /\/\d+-/.test(path));

// The examples share the guide's device, and so its kernels.
let gpu: Gpu;
beforeAll(async () => {
  ({ gpu } = await import('../examples/guide/setup.ts'));
});

afterAll(async () => {
  await gpu.settled();
  gpu.dispose();
});

// test/unit/readme.test.ts checks that the guide shows these files.
describe('in docs/kvcache.md, example', () => {
  it.for(guide.map((example, i) => [example.title, example.printed, files[i]!] as const))(
    '%s prints what it says',
    async ([, printed, file]) => {
      const name = file.match(/([^/]+)\.ts$/)![1]!;
      const calls = await printedBy(() => import(`../examples/guide/${name}.ts`));
      expect(calls.map(shown)).toEqual(printed);
    },
  );
});

it('the README’s first example runs and prints what it says', async () => {
  const calls = await printedBy(() => import('../examples/quickstart.ts'));
  expect(calls).toEqual([[[100, 2, 64], 96]]);
});

it('the example in the repository’s README runs and prints what it says', async () => {
  expect(await printedBy(() => import('../examples/root.ts'))).toEqual([[[47, 2, 64], 3]]);
});

describe('the example in the docstring of', () => {
  const prompt = [1, 2, 3, 4, 5, 6, 7];
  const options = { layers: 1, kvHeads: 2, headDim: 64, pageSize: 4, pages: 8 };
  const create = (): Promise<PagedKvCache> => PagedKvCache.create(gpu, options);

  it('PagedKvCache', async () => {
    expect((await docstrings.cacheExample(gpu, prompt)).shape).toEqual([7, 8, 64]);
  });

  it('prefixes and prefixNames', async () => {
    const tokens = Array.from({ length: 40 }, (_, i) => i);
    using cache = await PagedKvCache.create(gpu, { ...options, pageSize: 16 });
    using sequence = cache.open({ salt: 'tenant 1' });
    const rows = gpu.empty([20, 2, 64]);
    cache.append(0, [sequence], rows, rows);
    sequence.commit(tokens.slice(0, 20));
    expect(docstrings.nameExamples(cache, tokens)).toEqual([true, false]);
  });

  it('PagedKvCache.create', async () => {
    const small = { layers: 2, kvHeads: 2, headDim: 8, maxBytes: 20_000 };
    const sizes: number[] = [];
    const { pages, bytes } = await docstrings.createExample(gpu, (on, { maxBytes }) => {
      sizes.push(maxBytes!);
      return PagedKvCache.create(on, small);
    });
    expect(sizes).toEqual([2 ** 28]);
    // 2 layers · 16 tokens · 2 heads · (8 + 8) halves of 2 bytes are 2048 bytes per page; one of nine is the null page.
    expect([pages, bytes]).toEqual([8, 9 * 2048]);
  });

  it('the methods of PagedKvCache', async () => {
    using cache = await create();
    let results: Awaited<ReturnType<typeof docstrings.methodExamples>> | undefined;
    const printed = await printedBy(async () => {
      results = await docstrings.methodExamples(gpu, cache, prompt);
    });
    // Two pages for a, one for b; another salt finds nothing.
    expect(results).toMatchObject({ left: 7, fits: true, stats: [3, 0, 5, 0] });
    expect(results!.out.shape).toEqual([6, 8, 64]);
    expect(printed).toEqual([
      ...Array.from({ length: 7 }, () => [expect.stringMatching(/^\d\/6 /)]),
      [expect.stringMatching(/^[0-9a-f]{64}$/), 'continues', expect.any(String)],
    ]);
  });

  it('encodeEventBatch', async () => {
    using cache = await create();
    const flush = docstrings.eventsExample(cache);
    const sequence = cache.open();
    const rows = gpu.empty([4, 2, 64]);
    cache.append(0, [sequence], rows, rows);
    sequence.commit(prompt.slice(0, 4));
    sequence.close();
    cache.clear();
    const names = new TextDecoder().decode(flush()).match(/Block\w+|AllBlocks\w+/g);
    expect(names).toEqual(['BlockStored', 'AllBlocksCleared']);
    expect(flush().length).toBeLessThan(50);
  });

  it('KvSequence', async () => {
    using cache = await create();
    const sequence = cache.open();
    const other = docstrings.sequenceExample(gpu, cache, sequence);
    expect([sequence.length, other.length]).toEqual([1, 0]);
    expect(cache.stats().sequences).toBe(1);
  });

  it('keep', async () => {
    using cache = await create();
    const table = gpu.tensor(new Float32Array(64), { shape: [8, 8] });
    const sequence = cache.open();
    docstrings.keepExample(cache, sequence, { cos: table, sin: table });
    expect([sequence.length, sequence.nextPosition]).toEqual([2, 2]);
  });

  it('pages', async () => {
    using cache = await create();
    const rows = gpu.empty([6, 2, 64]);
    const sequence = cache.open();
    cache.append(0, [sequence], rows, rows);
    const other = sequence.fork();
    cache.append(0, [other], rows, rows); // from the second page on
    expect(docstrings.pagesExample(sequence, other)).toEqual([1]);
  });

  it('save, clear and load', async () => {
    using from = await create();
    using to = await create();
    const sequence = from.open();
    const rows = gpu.tensor(new Float32Array(8 * 2 * 64), { shape: [8, 2, 64] });
    from.append(0, [sequence], rows, rows);
    sequence.commit([...prompt, 8]);
    sequence.close();
    expect(await docstrings.storeExample(from, to)).toEqual([2, 0, 2]);
    expect([from.stats().cached, to.stats().cached]).toEqual([0, 2]);
    expect([from.stats().savedTokens, from.stats().loadedTokens]).toEqual([8, 0]);
    expect([to.stats().savedTokens, to.stats().loadedTokens]).toEqual([0, 8]);
  });

  it('the eviction policies', async () => {
    expect(await docstrings.policyExamples(gpu, options)).toEqual([8, 8, 0, 1, 2]);
  });

  it('rotate', async () => {
    const table = (value: number) =>
      gpu.tensor(new Float32Array(16).fill(value), { shape: [16, 1] });
    const q = gpu.tensor([1, 2, 3, 4, 5, 6], { shape: [3, 1, 2] });
    const rotated = docstrings.rotateExample(gpu, q, table(0), table(1)); // by a quarter
    expect([...(await rotated.read())]).toEqual([-2, 1, -4, 3, -6, 5]);
  });
});
