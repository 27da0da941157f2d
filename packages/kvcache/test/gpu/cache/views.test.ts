import type { Gpu, Tensor } from '@heed/core';
import { varlenAttention, varlenAttentionVjp } from '@heed/kernels-wgsl';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { PagedKvCache } from '../../../src/index.ts';
import {
  bitsOf,
  cached,
  contiguous,
  cumulative,
  layers,
  lengthOf,
  type Served,
  type Span,
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

const options = { causal: true, numSplits: 1 } as const;

const create = (pages = 60): Promise<PagedKvCache> => {
  const memory = { pageSize: 4, pages, dtype: 'f32', poison: true } as const;
  return PagedKvCache.create(gpu, { ...cached(toyShape), layers, ...memory });
};

const prefilled = (cache: PagedKvCache, rng: Rng, counts: readonly number[]): Served[] => {
  const served = counts.map((): Served => ({ sequence: cache.open(), tokens: [] }));
  step(
    cache,
    toy,
    served,
    counts.map((count) => tokensOf(rng, count)),
  );
  return served;
};

/** Returns the span of a sequence's last token. */
const lastOf = ({ tokens }: Served): Span => {
  return { tokens, start: tokens.length - 1, end: tokens.length };
};

function attendLast(cache: PagedKvCache, layer: number, served: readonly Served[]): () => Tensor {
  const view = cache.view(
    layer,
    served.map(({ sequence }) => sequence),
  );
  const q = toy.rows('q', layer, served.map(lastOf));
  const cuSeqlensQ = cumulative(served.map(() => 1));
  return () => varlenAttention(q, view, { ...options, cuSeqlensQ }).out;
}

describe('views', () => {
  it('that have changed since the forward pass are refused by its backward', async () => {
    using cache = await create();
    const [served] = prefilled(cache, new Rng(2), [9]) as [Served];
    const view = cache.view(0, [served.sequence]);
    const q = toy.rows('q', 0, [lastOf(served)]);
    const cuSeqlensQ = cumulative([1]);
    const { out, backward } = varlenAttentionVjp(q, view, { ...options, cuSeqlensQ });
    step(cache, toy, [served], [[1]]);
    expect(() => backward(out)).toThrow(
      'view.blockTable: a view is valid until its sequences change; got sequence 1, which has changed.',
    );
  });

  it('of lists that overlap hold at the same time, in any order, more than are kept', async () => {
    using cache = await create();
    const [a, b, c, d] = prefilled(cache, new Rng(1), [9, 23, 4, 17]) as [
      Served,
      Served,
      Served,
      Served,
    ];
    const lists = [[a, b], [b, a], [b, c], [c, a, b], [d], [a, d], [d, c, b, a], [a], [c, d]];
    for (const isBatched of [false, true]) {
      const attend = lists.flatMap((list) => [
        attendLast(cache, 0, list),
        attendLast(cache, 1, list),
      ]);
      const run = (): Tensor[] => attend.toReversed().map((one) => one());
      const outs = (isBatched ? gpu.batch(run) : run()).toReversed();
      for (const [i, list] of lists.entries()) {
        for (const layer of [0, 1]) {
          const want = contiguous(toy, list.map(lastOf), 'f32', undefined, layer);
          expect(await bitsOf(outs[2 * i + layer]!)).toEqual(await bitsOf(want));
        }
      }
    }
  });

  it('of layers that are ahead or behind show what each has', async () => {
    using cache = await create();
    const served = prefilled(cache, new Rng(2), [6, 11]);
    const sequences = served.map(({ sequence }) => sequence);
    const spans = spansOf(served, [tokensOf(new Rng(3), 5), tokensOf(new Rng(4), 3)]);
    const cuSeqlens = cumulative(spans.map(lengthOf));
    cache.append(0, sequences, toy.rows('k', 0, spans), toy.rows('v', 0, spans), { cuSeqlens });
    expect(sequences.map(({ length }) => length)).toEqual([6, 11]);
    const ahead = cache.view(0, sequences);
    const behind = cache.view(1, sequences);
    expect([ahead.maxSeqlenK, behind.maxSeqlenK]).toEqual([14, 11]);
    const old = spans.map(({ tokens, start }): Span => ({ tokens, start: start - 1, end: start }));
    const attendBehind = (): Tensor => {
      const cuSeqlensQ = cumulative([1, 1]);
      return varlenAttention(toy.rows('q', 1, old), behind, { ...options, cuSeqlensQ }).out;
    };
    const late = await bitsOf(attendBehind());
    expect(late).toEqual(await bitsOf(contiguous(toy, old)));
    cache.append(1, sequences, toy.rows('k', 1, spans), toy.rows('v', 1, spans), { cuSeqlens });
    // Layer 0 did not change; layer 1 did.
    const q = toy.rows('q', 0, spans);
    const { out } = varlenAttention(q, ahead, { ...options, cuSeqlensQ: ahead.cuSeqlensQ });
    const want = contiguous(toy, spans, 'f32', undefined, 0);
    expect(await bitsOf(out)).toEqual(await bitsOf(want));
    expect(attendBehind).toThrow(/view\.\w+: a view is valid until its sequences change/);
    const level = cache.view(1, sequences);
    const outs = varlenAttention(toy.rows('q', 1, spans), level, {
      ...options,
      cuSeqlensQ: level.cuSeqlensQ,
    });
    expect(await bitsOf(outs.out)).toEqual(await bitsOf(contiguous(toy, spans)));
    expect(sequences.map(({ length }) => length)).toEqual([11, 14]);
  });

  it('of no sequences, and of empty ones, attend to nothing', async () => {
    using cache = await create();
    const none = cache.view(0, []);
    expect([none.blockTable.shape[0], none.seqUsedK.shape, none.maxSeqlenK]).toEqual([0, [0], 0]);
    const k = gpu.empty([0, toyShape.kvHeads, toyShape.headDim]);
    cache.append(0, [], k, k);
    const empty = cache.open();
    cache.append(1, [empty], k, k);
    const view = cache.view(1, [empty]);
    const q = toy.rows('q', 0, [{ tokens: [1, 2], start: 0, end: 2 }]);
    const { out } = varlenAttention(q, view, { ...options, cuSeqlensQ: Int32Array.of(0, 2) });
    expect((await out.read()).every((x) => x === 0)).toBe(true);
  });
});

describe('a batch', () => {
  it('of a whole run gives the bits of the same calls one by one', async () => {
    const run = (cache: PagedKvCache): Tensor[] => {
      const rng = new Rng(21);
      const outs: Tensor[] = [];
      let alive: Served[] = [];
      for (let round = 0; round < 12; round++) {
        const tokens = [1, 2, 3, 4, 5, 6, 7, 8, ...tokensOf(rng, rng.int(1, 9))];
        const sequence = cache.open({ tokens });
        const found = sequence.cachedTokens;
        const opened: Served = { sequence, tokens: tokens.slice(0, found) };
        outs.push(step(cache, toy, [opened], [tokens.slice(found)]));
        sequence.commit(tokens.slice(found));
        alive.push(opened, { sequence: sequence.fork(), tokens: [...opened.tokens] });
        for (let n = 0; n < 3; n++)
          outs.push(
            step(
              cache,
              toy,
              alive,
              alive.map(() => tokensOf(rng, 1)),
            ),
          );
        const last = alive.at(-1)!;
        last.sequence.truncate(last.sequence.length - 2);
        for (const { sequence: old } of alive.slice(0, -3)) old.close();
        alive = alive.slice(-3);
      }
      return outs;
    };
    const pages = 18;
    using one = await create(pages);
    using other = await create(pages);
    const want = run(one);
    const got = gpu.batch(() => run(other));
    expect(got).toHaveLength(want.length);
    for (const [i, out] of got.entries()) expect(await bitsOf(out)).toEqual(await bitsOf(want[i]!));
    expect(other.stats()).toEqual(one.stats());
    expect(one.stats().evictions).toBeGreaterThan(0);
  });
});

it('a step in one batch makes no bind group and no buffer, and writes its lists at once', async () => {
  using cache = await create();
  const served = prefilled(cache, new Rng(5), [9, 2]);
  const sequences = served.map(({ sequence }) => sequence);
  const [q, k, v] = (['q', 'k', 'v'] as const).map((x) => toy.rows(x, 0, served.map(lastOf)));
  const out = gpu.empty(q!.shape);
  const cuSeqlens = cumulative([1, 1]);
  const decode = (): void =>
    gpu.batch(() => {
      for (let layer = 0; layer < layers; layer++) {
        cache.append(layer, sequences, k!, v, { cuSeqlens });
        varlenAttention(q!, cache.view(layer, sequences), { ...options, out });
      }
    });
  for (let i = 0; i < 3; i++) decode();
  await gpu.settled();
  const { device } = gpu;
  const spies = [
    vi.spyOn(device, 'createBindGroup'),
    vi.spyOn(device, 'createBuffer'),
    vi.spyOn(device.queue, 'writeBuffer'),
    vi.spyOn(device.queue, 'submit'),
  ];
  decode();
  const counts = spies.map((spy) => spy.mock.calls.length);
  spies.forEach((spy) => spy.mockRestore());
  expect(counts).toEqual([0, 0, 1, 1]);
});
