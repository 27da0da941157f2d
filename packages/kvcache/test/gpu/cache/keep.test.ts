import { CapacityError, type Gpu, type Tensor, ValidationError } from '@heed/core';
import { bind, flexAttention } from '@heed/flex';
import { tree } from '@heed/flex/masks';
import { varlenAttention } from '@heed/kernels-wgsl';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CacheOptions,
  type GroupedCacheOptions,
  type KvSequence,
  memoryStore,
  PagedKvCache,
} from '../../../src/index.ts';
import { rowsOfView } from './readback.ts';
import { bitsOf, cumulative } from './toy.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

interface LayerShape {
  readonly layer: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly headDimV: number;
}

interface Setting {
  readonly options: CacheOptions | GroupedCacheOptions;
  readonly layers: readonly LayerShape[];
}

const same = { kvHeads: 2, headDim: 16, headDimV: 16 };
const plain = (options: Partial<CacheOptions>): Setting => {
  const whole = { ...same, layers: 2, pageSize: 4, pages: 40, poison: true, ...options };
  const { kvHeads, headDim, headDimV } = whole;
  return {
    options: whole,
    layers: [0, 1].map((layer) => ({ layer, kvHeads, headDim, headDimV })),
  };
};

const settings: Readonly<Record<string, Setting>> = {
  'f16, odd head dims': plain({ dtype: 'f16', headDim: 19, headDimV: 7, kvHeads: 3 }),
  int8: plain({ dtype: 'int8' }),
  'int4, pages of 3': plain({ dtype: 'int4', pageSize: 3, headDim: 24 }),
  'f32, a window with sinks': plain({ dtype: 'f32', window: 9, sinkTokens: 2, pageSize: 2 }),
  'groups of other shapes, windows and formats': {
    options: {
      groups: [
        { layers: [0], kvHeads: 2, headDim: 16, dtype: 'f16' },
        { layers: [1, 3, 4], kvHeads: 3, headDim: 16, dtype: 'int8', window: 9 }, // padded
        { layers: [2], kvHeads: 1, headDim: 16, dtype: 'f16', window: 5 }, // two pages to a block
      ],
      pageSize: 4,
      pages: 60,
      poison: true,
    },
    layers: [2, 3, 1, 3, 3].map((kvHeads, layer) => {
      return { layer, kvHeads, headDim: 16, headDimV: 16 };
    }),
  },
};

const pairs = 3;
const table = (f: (x: number) => number): Tensor =>
  gpu.tensor(
    Float32Array.from({ length: 128 * pairs }, (_, i) =>
      f(Math.floor(i / pairs) / 50 ** ((i % pairs) / pairs)),
    ),
    { shape: [128, pairs] },
  );

/** Returns the rows of numbered tokens: the same numbers for the same token, wherever it is. */
function rowsOf(
  { layer, kvHeads, headDim, headDimV }: LayerShape,
  x: 'q' | 'k' | 'v',
  tokens: readonly number[],
): Tensor {
  const heads = x === 'q' ? 2 * kvHeads : kvHeads;
  const dim = x === 'v' ? headDimV : headDim;
  const rows = tokens.map((token) =>
    new Rng(token * 64 + layer * 4 + 'qkv'.indexOf(x)).normals(heads * dim),
  );
  return gpu.tensor(Float32Array.from(rows.flatMap((row) => [...row])), {
    shape: [tokens.length, heads, dim],
  });
}

/** Appends tokens to all layers of a sequence. */
function append(
  { layers }: Setting,
  cache: PagedKvCache,
  sequence: KvSequence,
  tokens: readonly number[],
  positions?: readonly number[],
): void {
  const rotary = {
    cos: table(Math.cos),
    sin: table(Math.sin),
    ...(positions && { positions: Int32Array.from(positions) }),
  };
  for (const shape of layers) {
    const [k, v] = [rowsOf(shape, 'k', tokens), rowsOf(shape, 'v', tokens)];
    cache.append(shape.layer, [sequence], k, v, { rotary });
  }
}

/** Reads back the rows of a sequence in all layers. */
const contents = ({ layers }: Setting, cache: PagedKvCache, sequence: KvSequence) =>
  Promise.all(layers.map(({ layer }) => rowsOfView(cache.view(layer, [sequence]))));

/** Bits of attention of new query rows, in all layers. */
async function attend(
  { layers }: Setting,
  cache: PagedKvCache,
  sequence: KvSequence,
  tokens: readonly number[],
): Promise<Uint32Array[]> {
  const options = { causal: true, numSplits: 1, cuSeqlensQ: cumulative([tokens.length]) };
  return Promise.all(
    layers.map((shape) => {
      const view = cache.view(shape.layer, [sequence]);
      return bitsOf(varlenAttention(rowsOf(shape, 'q', tokens), view, options).out);
    }),
  );
}

const from = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i);

/**
 * Expects a sequence to be as one of a new cache that was given only these tokens, at these positions.
 * @param news how many of them the last append brought: these attend, too
 */
async function expectSame(
  setting: Setting,
  cache: PagedKvCache,
  sequence: KvSequence,
  tokens: readonly number[],
  positions: readonly number[],
  news = 0,
): Promise<void> {
  using other = await PagedKvCache.create(gpu, setting.options);
  const fresh = other.open();
  const count = tokens.length - news;
  append(setting, other, fresh, tokens.slice(0, count), positions.slice(0, count));
  if (news > 0) append(setting, other, fresh, tokens.slice(count), positions.slice(count));
  expect(sequence.length).toBe(tokens.length);
  const [got, want] = [
    await contents(setting, cache, sequence),
    await contents(setting, other, fresh),
  ];
  got.forEach((layer, i) => {
    layer.forEach(([k, v], b) => {
      [k, v].forEach((rows, x) => {
        rows!.forEach((row, j) => {
          if (row) expect(row, `layer ${i}, row ${j}`).toEqual(want[i]![b]![x]![j]);
        });
      });
    });
  });
  const queries = tokens.slice(count);
  expect(await attend(setting, cache, sequence, queries)).toEqual(
    await attend(setting, other, fresh, queries),
  );
}

describe.for(Object.entries(settings))('keep, %s', { tags: ['device'] }, ([, setting]) => {
  it('leaves an accepted path of a tree as if only its tokens had been appended', async () => {
    using cache = await PagedKvCache.create(gpu, setting.options);
    const prompt = from(0, 21);
    const first = cache.open({ tokens: prompt });
    append(setting, cache, first, prompt.slice(0, 10));
    append(setting, cache, first, prompt.slice(10));
    first.commit(prompt);
    const sequence = first.fork(); // the last page is shared, and so is the prompt
    const before = await contents(setting, cache, first);
    expect(sequence.nextPosition).toBe(21);

    // Depths 0 0 1 1 2 2 3; the path is nodes 1, 2, 5, 6.
    const depths = [0, 0, 1, 1, 2, 2, 3].map((depth) => 21 + depth);
    append(setting, cache, sequence, from(100, 7), depths);
    sequence.keep(
      [1, 2, 5, 6].map((node) => 21 + node),
      { from: 21 },
    );
    expect([sequence.length, sequence.nextPosition]).toEqual([25, 25]);
    const path = [101, 102, 105, 106];
    await expectSame(setting, cache, sequence, [...prompt, ...path], from(0, 25));
    sequence.commit(path);
    append(setting, cache, sequence, [200]);
    const all = [...prompt, ...path, 200];
    await expectSame(setting, cache, sequence, all, from(0, 26), 1);
    expect(await contents(setting, cache, first)).toEqual(before);
    sequence.close();
    using found = cache.open({ tokens: all });
    const { pageSize = 16 } = setting.options;
    expect(found.cachedTokens).toBe(Math.floor(25 / pageSize) * pageSize);
    await expectSame(
      setting,
      cache,
      found,
      all.slice(0, found.cachedTokens),
      from(0, found.cachedTokens),
    );
  });

  it('evicts rows at their places, and the rest keep their positions', async () => {
    using cache = await PagedKvCache.create(gpu, setting.options);
    const prompt = from(0, 24);
    const others = cache.open({ tokens: prompt });
    append(setting, cache, others, prompt);
    others.commit(prompt.slice(0, 22));
    using sequence = others.fork();
    const before = await contents(setting, cache, others);
    const events: string[] = [];
    cache.on('removed', ({ name }) => events.push(name));

    const kept = [0, 1, 2, 5, 6, 7, 11, 12, 14, 17, 18, 22, 23];
    sequence.keep(kept);
    expect([sequence.length, sequence.nextPosition]).toEqual([13, 24]);
    await expectSame(setting, cache, sequence, kept, kept);
    using shorter = sequence.fork();
    shorter.truncate(12);
    expect(shorter.nextPosition).toBe(23);
    shorter.keep([0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11]);
    const left = kept.slice(0, 12).filter((row) => row !== 11);
    await expectSame(setting, cache, shorter, left, left);
    using child = sequence.fork();
    for (const one of [sequence, child]) {
      append(setting, cache, one, [300 + one.id, 400]);
      const tokens = [...kept, 300 + one.id, 400];
      await expectSame(setting, cache, one, tokens, [...kept, 24, 25], 2);
      expect(() => one.commit([1])).toThrow(ValidationError);
    }
    expect(await contents(setting, cache, others)).toEqual(before);
    expect(events).toEqual([]); // the prompt is still there
  });
});

it('keeps rows of keys whose first columns are the values', async () => {
  const shape: LayerShape = { layer: 0, kvHeads: 1, headDim: 20, headDimV: 12 };
  const options = { layers: 1, kvHeads: 1, headDim: 20, headDimV: 12, sharedKv: true, pages: 12 };
  const attended = async (tokens: readonly number[], kept?: readonly number[]) => {
    using cache = await PagedKvCache.create(gpu, { ...options, pageSize: 4, dtype: 'int8' });
    using sequence = cache.open();
    cache.append(0, [sequence], rowsOf(shape, 'k', tokens));
    using _ = sequence.fork(); // so that pages are copied
    if (kept) sequence.keep(kept);
    const cuSeqlensQ = Int32Array.of(0, 2);
    const q = rowsOf(shape, 'q', [7, 8]);
    const view = cache.view(0, [sequence]);
    return bitsOf(varlenAttention(q, view, { causal: true, numSplits: 1, cuSeqlensQ }).out);
  };
  const kept = [0, 3, 4, 8, 9, 13];
  expect(await attended(from(0, 14), kept)).toEqual(await attended(kept));
});

it('a list that changes nothing costs nothing', async () => {
  const setting = plain({ dtype: 'f16' });
  using cache = await PagedKvCache.create(gpu, setting.options);
  const sequence = cache.open();
  append(setting, cache, sequence, from(0, 7));
  const view = cache.view(0, [sequence]);
  sequence.keep(from(0, 7));
  sequence.keep(BigInt64Array.of(5n, 6n), { from: 5 });
  expect(view.blockTable.shape).toEqual([1, 2]); // the view is still valid
  sequence.commit(from(0, 7)); // and the sequence is not private
});

it('in a cache without room for copies is refused, and changes nothing', async () => {
  const setting = plain({ dtype: 'f16', pages: 5 });
  using cache = await PagedKvCache.create(gpu, setting.options);
  const sequence = cache.open();
  append(setting, cache, sequence, from(0, 18));
  const other = sequence.fork();
  const state = () => [cache.stats(), sequence.pages, sequence.length, sequence.nextPosition];
  const [before, rows] = [state(), await contents(setting, cache, sequence)];
  const call = () => sequence.keep([0, 2, 4, 6, 8]);
  expect(call).toThrow(CapacityError);
  expect(call).toThrow('the copies of shared pages need 2 pages of 4; 0 of 5 are free or cached');
  expect(state()).toEqual(before);
  expect(await contents(setting, cache, sequence)).toEqual(rows);
  other.close();
  call(); // nobody else has its pages now: they are written in place
  await expectSame(setting, cache, sequence, [0, 2, 4, 6, 8], [0, 2, 4, 6, 8]);
  expect(cache.stats().used).toBe(2);
});

it('a private sequence is not saved, and its moved pages are not found', async () => {
  const setting = plain({ dtype: 'f16' });
  using cache = await PagedKvCache.create(gpu, setting.options);
  const tokens = from(0, 16);
  const sequence = cache.open({ tokens });
  append(setting, cache, sequence, tokens);
  sequence.commit(tokens);
  const gone: string[] = [];
  cache.on('removed', ({ name }) => gone.push(name));
  sequence.keep(tokens.filter((token) => token !== 6));
  expect(gone).toHaveLength(3); // all but the first page
  expect(cache.prefixes()).toHaveLength(1);
  const { saved, known } = await cache.save(memoryStore(), { sequences: [sequence] });
  expect([saved, known]).toEqual([0, 0]);
  expect(cache.open({ tokens: [...tokens, 1] }).cachedTokens).toBe(4);
});

it('refuses what would not be what it says, and changes nothing', async () => {
  const setting = plain({ dtype: 'f16', window: 6 });
  using cache = await PagedKvCache.create(gpu, setting.options);
  using sequence = cache.open();
  for (const first of [0, 10, 20]) append(setting, cache, sequence, from(first, 10));
  sequence.commit(from(0, 25));
  const { pages, length } = sequence;
  const refused = (call: () => void, message: RegExp): void => {
    expect(call).toThrow(ValidationError);
    expect(call).toThrow(message);
    expect([sequence.pages, sequence.length]).toEqual([pages, length]);
  };
  refused(
    () => sequence.keep([29, 28], { from: 25 }),
    /rows must be whole numbers from 25 to 29, ascending; got 28 at 1/,
  );
  refused(() => sequence.keep([24], { from: 25 }), /got 24 at 0/);
  refused(() => sequence.keep([30], { from: 25 }), /got 30 at 0/);
  refused(() => sequence.keep([25.5], { from: 25 }), /got 25.5 at 0/);
  refused(
    () => sequence.keep([], { from: 24 }),
    /rows from 24 on must be uncommitted; got 25 committed/,
  );
  refused(() => sequence.keep([], { from: 31 }), /from must be a whole number from 0 to 30/);
  refused(() => sequence.keep(7 as never), /rows must be a list of numbers; got 7/);
  refused(() => sequence.keep([1], { form: 1 } as never), /Did you mean from\?/);
  refused(
    () => sequence.keep([0, 1, 29]),
    /the window of 6 has released rows before 12, so all rows before it must stay; got row 2 dropped/,
  );
  refused(() => sequence.keep(from(0, 14)), /length must be at least 18; got 14/);
  const [{ layer }] = setting.layers as [LayerShape];
  const [k, v] = [rowsOf(setting.layers[0]!, 'k', [1]), rowsOf(setting.layers[0]!, 'v', [1])];
  cache.append(layer, [sequence], k, v);
  expect(() => sequence.keep([0])).toThrow(/all layers must have the same tokens/);
});

it('append takes positions of its own, and refuses others', async () => {
  const setting = plain({ dtype: 'f32' });
  using cache = await PagedKvCache.create(gpu, setting.options);
  using sequence = cache.open();
  const call = (positions: unknown) => () =>
    cache.append(
      0,
      [sequence],
      rowsOf(setting.layers[0]!, 'k', [1, 2]),
      rowsOf(setting.layers[0]!, 'v', [1, 2]),
      {
        rotary: { cos: table(Math.cos), sin: table(Math.sin), positions: positions as Int32Array },
      },
    );
  expect(call(Int32Array.of(127, 128))).toThrow(
    /rotary\.positions must be from 0 to 127.*got 128 for token 1/,
  );
  expect(call(Int32Array.of(-1, 0))).toThrow(/got -1 for token 0/);
  expect(call(Int32Array.of(1))).toThrow(/an entry for each of the 2 tokens; got 1/);
  expect(call([1, 2])).toThrow(/rotary\.positions must be an Int32Array/);
  expect(call(BigInt64Array.of(2n ** 40n, 0n))).toThrow(/must fit in 32 bits/);
  expect([sequence.length, cache.stats().used]).toEqual([0, 0]);
  call(BigInt64Array.of(127n, 0n))();
});

it.for([
  ['f32', plain({ dtype: 'f32' })],
  ['int4', settings['int4, pages of 3']!],
] as const)(
  'verifies a tree in one step over %s pages, as if node by node',
  async ([, setting]) => {
    using cache = await PagedKvCache.create(gpu, setting.options);
    using sequence = cache.open();
    append(setting, cache, sequence, from(0, 18));
    const nodes = from(100, 5); // 0 and 1 are roots, 2 and 3 children of 0, 4 a child of 3
    const ancestors = gpu.tensor([0b1, 0b10, 0b101, 0b1001, 0b11001], {
      shape: [5, 1],
      dtype: 'i32',
    });
    append(setting, cache, sequence, nodes, [18, 18, 19, 19, 20]);
    const options = { maskMod: bind(tree, { ancestors }), numSplits: 1 };
    const drafted = setting.layers.map((shape) => {
      const view = cache.view(shape.layer, [sequence]);
      return flexAttention(rowsOf(shape, 'q', nodes), view, options).out;
    });
    sequence.keep([18, 21, 22], { from: 18 });
    const path = [100, 103, 104];
    for (const [i, shape] of setting.layers.entries()) {
      const view = cache.view(shape.layer, [sequence]);
      const { out } = varlenAttention(rowsOf(shape, 'q', path), view, {
        causal: true,
        numSplits: 1,
        cuSeqlensQ: Int32Array.of(0, 3),
      });
      const rows = await drafted[i]!.read();
      const size = rows.length / 5;
      const accepted = [0, 3, 4].flatMap((node) =>
        Array.from(rows.slice(node * size, (node + 1) * size)),
      );
      // The tree's rows sum the same 21 keys at other places of a tile: each sum is off by less than an ulp for each.
      const want = await out.read();
      const largest = Math.max(...want.map(Math.abs));
      const tolerance = 21 * 2 ** -23 * largest;
      expect(Float32Array.from(accepted)).toMatchTensor(want, { tolerance });
    }
  },
);
