import { type Gpu, type PagedKvView, type Tensor, ValidationError } from '@heed/core';
import { bind, createBlockMask, flexAttention, flexAttentionVjp } from '@heed/flex';
import { causal, document } from '@heed/flex/masks';
import { varlenAttention } from '@heed/kernels-wgsl';
import { isFullRun, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { PagedKvCache } from '../../src/index.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const [window, pageSize, LENGTH] = [5, 2, 40];
// Rows per step: a prompt, single tokens, a chunk.
const steps = [17, 1, 1, 1, 6, 1, 1, 4, 1, 1];

const ids = Array.from({ length: LENGTH }, (_, i) => Math.floor(i / 7));
const sameDocument = (q: number, kv: number): boolean => ids[q] === ids[kv];
const always = (): boolean => true;
const upTo = (q: number, kv: number): boolean => kv <= q;

const shape = { layers: 1, kvHeads: 1, headDim: 1, pages: 24, dtype: 'f32' } as const;

const create = (sinkTokens: number): Promise<PagedKvCache> =>
  PagedKvCache.create(gpu, { ...shape, pageSize, window, sinkTokens, poison: true });

const column = (values: readonly number[]): Tensor =>
  gpu.tensor(values, { shape: [values.length, 1, 1] });

/** The position of each key is its value, and all scores are equal: out is the mean of the positions seen. */
function append(cache: PagedKvCache, sequence: Sequence, count: number): Tensor {
  const zeros = column(Array.from({ length: count }, () => 0));
  const positions = Array.from({ length: count }, (_, i) => sequence.length + i);
  cache.append(0, [sequence], zeros, column(positions));
  return zeros;
}
type Sequence = ReturnType<PagedKvCache['open']>;

// With 'auto', a token alone takes the decode path; the others share a kernel for all steps.
const oneSplit = { numSplits: 1 } as const;

const calls: readonly (readonly [
  string,
  (q: Tensor, view: PagedKvView) => Tensor,
  (q: number, kv: number) => boolean,
])[] = [
  ['causal', (q, view) => varlenAttention(q, view, { causal: true }).out, upTo],
  ['a causal mask', (q, view) => flexAttention(q, view, { maskMod: causal }).out, upTo],
  ['no mask', (q, view) => varlenAttention(q, view, oneSplit).out, always],
  [
    'align start',
    (q, view) => varlenAttention(q, view, { align: 'start', ...oneSplit }).out,
    always,
  ],
  [
    'a mask by documents',
    (q, view) => {
      const id = gpu.tensor(ids, { shape: [LENGTH], dtype: 'i32' });
      return flexAttention(q, view, { maskMod: bind(document, { id }), ...oneSplit }).out;
    },
    sameDocument,
  ],
  [
    'a block mask',
    (q, view) => {
      const { cuSeqlensQ, seqUsedK, blockTable } = view;
      const lists = { cuSeqlensQ: cuSeqlensQ!, seqUsedK, blockTable };
      const blockMask = createBlockMask(gpu, causal, { ...lists, blockSize: 32 });
      return flexAttention(q, view, { blockMask, ...oneSplit }).out;
    },
    upTo,
  ],
];

describe.for(isFullRun() ? [0, 3] : [3])('a windowed cache with %i sink tokens', (sinkTokens) => {
  it.for(calls)('shows what it holds, and nothing else, under %s', async ([, call, mask]) => {
    using cache = await create(sinkTokens);
    const sequence = cache.open();
    for (const count of steps) {
      const q = append(cache, sequence, count);
      const out = await call(q, cache.view(0, [sequence])).read();
      const wanted = Array.from({ length: count }, (_, i) => {
        const at = sequence.length - count + i;
        const seen = Array.from({ length: sequence.length }, (_k, kv) => kv).filter(
          (kv) => mask(at, kv) && (kv >= at - window || kv < sinkTokens),
        );
        return seen.reduce((a, b) => a + b, 0) / seen.length;
      });
      out.forEach((x, i) => expect(x, `row ${i} of ${count}`).toBeCloseTo(wanted[i]!, 4));
    }
    expect(await cache.view(0, [sequence]).blockTable.read()).toContain(0);
  });
});

describe('what a windowed view refuses, and takes', () => {
  it('is a wider window, and rows of earlier appends', async () => {
    using cache = await create(0);
    const sequence = cache.open();
    const q = append(cache, sequence, 7);
    append(cache, sequence, 10);
    const last = append(cache, sequence, 2);
    const view = cache.view(0, [sequence]);
    const call = (given: readonly [number, number]) => () =>
      varlenAttention(last, view, { causal: true, window: given });
    for (const given of [
      [-1, 0],
      [6, 0],
    ] as const) {
      expect(call(given)).toThrow(ValidationError);
      expect(call(given)).toThrow(
        `keys more than 5 before a query may have been released from this view; got window [${given.join(', ')}]. Leave window out`,
      );
    }
    // A narrower window hides all other keys: visible are positions 16 and 17, then 17 and 18.
    const near = await varlenAttention(last, view, { causal: true, window: [1, -1] }).out.read();
    expect([...near]).toEqual([16.5, 17.5]);
    const earlier = () => varlenAttention(q, view, { cuSeqlensQ: Int32Array.of(0, 7) });
    expect(earlier).toThrow(/sequence 0 may have at most the 2 query rows of its last append/);
    const few = () =>
      varlenAttention(append(cache, sequence, 2).slice(0, 0, 1), cache.view(0, [sequence]));
    expect(few).toThrow(/cuSeqlensQ must end within the 1 rows/);
  });
});

describe('gradients over a windowed view', () => {
  it('are 0 for what was released, and shared by what is seen', { tags: ['full'] }, async () => {
    using cache = await create(3);
    const sequence = cache.open();
    append(cache, sequence, 17);
    append(cache, sequence, 6);
    const q = append(cache, sequence, 1);
    const view = cache.view(0, [sequence]);
    const dOut = column([1]);
    const pages = [...sequence.pages];
    expect(pages).toContain(0);
    const { backward } = flexAttentionVjp(q, view, { maskMod: causal });
    const dv = await backward(dOut).dv.read();
    const got = Array.from({ length: sequence.length }, (_, kv) => {
      return dv[pages[Math.floor(kv / pageSize)]! * pageSize + (kv % pageSize)]!;
    });
    // Keys 0 to 2, and 18 to 23.
    const wanted = got.map((_, kv) => (kv < 3 || kv >= 18 ? 1 / 9 : 0));
    got.forEach((x, kv) => expect(x, `key ${kv}`).toBeCloseTo(wanted[kv]!, 5));
  });
});
