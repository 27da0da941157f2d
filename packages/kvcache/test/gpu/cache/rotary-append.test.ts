import type { Gpu, Tensor } from '@heed/core';
import { varlenAttention } from '@heed/kernels-wgsl';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { PagedKvCache, rotate } from '../../../src/index.ts';
import { cached, bitsOf, cumulative, lengthOf, type Span, tokensOf, Toy, toyShape } from './toy.ts';

let gpu: Gpu;
let toy: Toy;
beforeAll(async () => {
  gpu = await testGpu();
  toy = new Toy(gpu);
});

const pairs = 6;
const maxPosition = 64;
const options = { causal: true, numSplits: 1 } as const;
const angle = (position: number, pair: number): number => position / 100 ** (pair / pairs);

const tableOf = (f: (x: number) => number): Tensor => {
  const data = Float32Array.from({ length: maxPosition * pairs }, (_, i) =>
    f(angle(Math.floor(i / pairs), i % pairs)),
  );
  return gpu.tensor(data, { shape: [maxPosition, pairs] });
};

const positionsOf = (spans: readonly Span[]): Int32Array =>
  Int32Array.from(
    spans.flatMap((span) => Array.from({ length: lengthOf(span) }, (_, i) => span.start + i)),
  );

/** Returns rows rotated on the host, in float64. */
function turned(x: 'q' | 'k', spans: readonly Span[], interleaved: boolean): Tensor {
  const [heads, dim] = toy.size(x);
  const numbers = toy.numbers(x, 0, spans);
  positionsOf(spans).forEach((position, t) => {
    for (let head = 0; head < heads; head++) {
      const row = numbers.subarray((t * heads + head) * dim, (t * heads + head + 1) * dim);
      for (let pair = 0; pair < pairs; pair++) {
        const [a, b] = interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + pairs];
        const [c, s] = [Math.cos(angle(position, pair)), Math.sin(angle(position, pair))];
        [row[a], row[b]] = [row[a]! * c - row[b]! * s, row[a]! * s + row[b]! * c];
      }
    }
  });
  return gpu.tensor(numbers, { shape: [numbers.length / (heads * dim), heads, dim] });
}

describe.for([false, true])('rotary embedding, interleaved %s', (interleaved) => {
  it('turns keys by their positions in their sequences, whatever these went through', async () => {
    const tables = { cos: tableOf(Math.cos), sin: tableOf(Math.sin), interleaved };
    const memory = { pageSize: 4, pages: 50, dtype: 'f32', poison: true } as const;
    using cache = await PagedKvCache.create(gpu, { ...cached(toyShape), layers: 1, ...memory });
    const rng = new Rng(5);
    const served: { sequence: ReturnType<PagedKvCache['open']>; tokens: number[] }[] = [];
    const advance = async (news: number[][]): Promise<void> => {
      const spans = served.map((one, i): Span => {
        const start = one.sequence.length;
        one.tokens = [...one.tokens.slice(0, start), ...news[i]!];
        return { tokens: one.tokens, start, end: one.tokens.length };
      });
      const sequences = served.map(({ sequence }) => sequence);
      const cuSeqlens = cumulative(spans.map(lengthOf));
      const rows = [toy.rows('k', 0, spans), toy.rows('v', 0, spans)] as const;
      cache.append(0, sequences, ...rows, { cuSeqlens, rotary: tables });
      const view = cache.view(0, sequences);
      const q = rotate(gpu, toy.rows('q', 0, spans), { ...tables, positions: positionsOf(spans) });
      const { out } = varlenAttention(q, view, { ...options, cuSeqlensQ: view.cuSeqlensQ });

      const whole = spans.map((span): Span => ({ ...span, start: 0 }));
      const cu = { cuSeqlensQ: cuSeqlens, cuSeqlensK: cumulative(whole.map(lengthOf)) };
      const v = toy.rows('v', 0, whole);
      const k = rotate(gpu, toy.rows('k', 0, whole), { ...tables, positions: positionsOf(whole) });
      const same = varlenAttention(q, k, v, { ...options, ...cu }).out;
      expect(await bitsOf(out)).toEqual(await bitsOf(same));
      const [hostQ, hostK] = [turned('q', spans, interleaved), turned('k', whole, interleaved)];
      const host = varlenAttention(hostQ, hostK, v, { ...options, ...cu }).out;
      // Keys and queries that were rotated in f32 are off by one or two ulp.
      expect(await out.read()).toMatchTensor(await host.read(), { tolerance: 1e-5 });
    };

    const prompt = tokensOf(rng, 18);
    served.push({ sequence: cache.open(), tokens: [] });
    await advance([prompt]);
    served[0]!.sequence.commit(prompt);
    served.push({ sequence: served[0]!.sequence.fork(), tokens: [...prompt] });
    await advance([tokensOf(rng, 1), tokensOf(rng, 3)]);
    served[1]!.sequence.truncate(17);
    const tokens = [...prompt.slice(0, 13), 9, 9, 9];
    const found = cache.open({ tokens });
    expect(found.cachedTokens).toBe(12);
    served.push({ sequence: found, tokens: tokens.slice(0, 12) });
    await advance([[1], [2, 3], tokens.slice(12)]);
    await advance([[4], [5], [6]]);
  });

  it('refuses positions beyond its tables, and changes nothing', async () => {
    const tables = { cos: tableOf(Math.cos), sin: tableOf(Math.sin), interleaved };
    const memory = { pageSize: 4, pages: 20, dtype: 'f32', poison: true } as const;
    using cache = await PagedKvCache.create(gpu, { ...cached(toyShape), layers: 1, ...memory });
    const sequence = cache.open();
    const rows = (count: number) => {
      const span = [{ tokens: tokensOf(new Rng(1), count), start: 0, end: count }];
      return [toy.rows('k', 0, span), toy.rows('v', 0, span)] as const;
    };
    cache.append(0, [sequence], ...rows(60), { rotary: tables });
    const before = cache.stats();
    expect(() => cache.append(0, [sequence], ...rows(5), { rotary: tables })).toThrow(
      /cache\.append: rotary\.positions must be from 0 to 63.*got 64 for token 4\. Make the tables longer/,
    );
    expect([cache.stats(), sequence.length]).toEqual([before, 60]);
    cache.append(0, [sequence], ...rows(4), { rotary: tables });
  });
});
