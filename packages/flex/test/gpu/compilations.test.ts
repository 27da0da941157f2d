import { type Gpu, openGpu, type Tensor } from '@heed/core';
import { TensorSource } from '@heed/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  andMasks,
  bind,
  type Captures,
  createBlockMask,
  f32,
  flexAttention,
  flexAttentionVjp,
  type FlexOptions,
  type MaskMod,
  planFlexAttention,
  type ScoreMod,
} from '../../src/index.ts';
import { causal, document, slidingWindow } from '../../src/masks/index.ts';
import { compiledBy } from './counted-calls.ts';

// One after the other: each test counts what those before it have left to compile. A device of its own: kernels are cached with the device, and what other tests have compiled must not count.
let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await openGpu({ label: 'counted' });
  source = new TensorSource(gpu, 1, 8);
});
afterAll(() => gpu.dispose());

const none = { modules: 0, pipelines: 0 };
const once = { modules: 1, pipelines: 1 };

const ints = (data: readonly number[], shape: readonly number[] = [data.length]): Tensor =>
  gpu.tensor(data, { shape: [...shape], dtype: 'i32' });

type Bias = { readonly n: number; readonly bias: Tensor };

/** A text that no other test has; the arrow is made anew at each call. */
const makeMod =
  (): ScoreMod<Bias> =>
  (s, b, h, q, kv, { n, bias }) =>
    s * 0.5 + n * bias[h]![kv]!;

const run = <C extends Captures>(options: FlexOptions<C>): void => {
  const { q, k, v } = source.dense(1, 20, 40);
  flexAttention(q, k, v, { numSplits: 1, ...options } as never);
};

describe('a score mod', () => {
  const captures = (n: number, bias: Tensor = source.normal([4, 40])): Bias => ({ n, bias });

  it('is compiled once', async () => {
    const first = await compiledBy(gpu, () => run({ scoreMod: makeMod(), captures: captures(7) }));
    expect(first).toEqual(once);
    const again = await compiledBy(gpu, () => run({ scoreMod: makeMod(), captures: captures(7) }));
    expect(again).toEqual(none);
  });

  it.for([
    ['another value', () => captures(8)],
    ['another table', () => captures(7, source.normal([4, 40]))],
    ['a table of another shape', () => captures(7, source.normal([2, 17]))],
    ['a view', () => captures(7, source.normal([40, 4]).permute([1, 0]).slice(1, 3, 9))],
  ] as const)('is compiled once for %s', async ([, make]) => {
    const options = { scoreMod: makeMod(), captures: make() };
    expect(await compiledBy(gpu, () => run(options))).toEqual(none);
  });

  it('is compiled once for a fresh bind, and lengths and scales of any value', async () => {
    const fresh = bind(makeMod(), captures(9));
    expect(await compiledBy(gpu, () => run({ scoreMod: fresh }))).toEqual(none);
    const other = bind(makeMod(), captures(10));
    expect(await compiledBy(gpu, () => run({ scoreMod: other, scale: 0.3 }))).toEqual(none);
    const { q, k, v } = source.dense(3, 33, 70);
    const rest = { numSplits: 1, returnLse: true, align: 'start' } as const;
    const longer = (): unknown =>
      flexAttention(q, k, v, { scoreMod: other, ...rest, seqUsedK: Int32Array.of(3, 0, 70) });
    expect(await compiledBy(gpu, longer)).toEqual(none);
  });

  it.for([
    ['a number of another kind', () => captures(7.5)],
    ['a table of another dtype', () => captures(7, source.normal([4, 40], 'f16'))],
  ] as const)('is compiled anew, and once, for %s', async ([, make]) => {
    const options = { scoreMod: makeMod(), captures: make() };
    expect(await compiledBy(gpu, () => run(options))).toEqual(once);
    expect(await compiledBy(gpu, () => run(options))).toEqual(none);
  });

  it('with f32() has one kind for all numbers', async () => {
    // The kind was compiled for 7.5 above.
    for (const n of [7, 8.25, 1e9]) {
      const options = { scoreMod: makeMod(), captures: captures(f32(n)) };
      expect(await compiledBy(gpu, () => run(options))).toEqual(none);
    }
  });

  it('is compiled anew for another rank, another function, or a function captured', async () => {
    const vector: ScoreMod<Bias> = (s, b, h, q, kv, { n, bias }) => s * 0.5 + n * bias[kv]!;
    const flat = { scoreMod: vector, captures: captures(7, source.normal([40])) };
    expect(await compiledBy(gpu, () => run(flat))).toEqual(once);
    const other: ScoreMod<Bias> = (s, b, h, q, kv, { n, bias }) => s * 0.25 + n * bias[h]![kv]!;
    expect(await compiledBy(gpu, () => run({ scoreMod: other, captures: captures(7) }))).toEqual(
      once,
    );
    type Inner = { readonly f: (x: number) => number };
    const calls: ScoreMod<Inner> = (s, b, h, q, kv, { f }) => f(s) + 0.125;
    const inner = (f: Inner['f']): void => run({ scoreMod: calls, captures: { f } });
    expect(await compiledBy(gpu, () => inner((x) => x * 3))).toEqual(once);
    expect(await compiledBy(gpu, () => inner((x) => x * 3))).toEqual(none);
    expect(await compiledBy(gpu, () => inner((x) => x * 5))).toEqual(once);
  });

  it('that computes the same, however it is written, is the same kernel', async () => {
    const written: ScoreMod<Bias> = (score, _batch, head, _query, key, c) => {
      const factor = 1 / 2;
      const table = c.bias;
      return score * factor + c.n * table[head]![key]!;
    };
    expect(await compiledBy(gpu, () => run({ scoreMod: written, captures: captures(7) }))).toEqual(
      none,
    );
  });
});

describe('a block mask', () => {
  type Own = { readonly w: number; readonly ids: Tensor };
  const make =
    (): MaskMod<Own> =>
    (b, h, q, kv, { w, ids }) =>
      q >= kv && q - kv < w + 3 && ids[q] === ids[kv];
  const ids = (length = 64): Tensor => ints(Array.from({ length }, (_, i) => i >> 4));
  const build = (captures: Own, o = {}): unknown =>
    createBlockMask(gpu, make(), { Lq: 64, Lk: 64, ...o, captures });

  it('is built anew without compiling: sizes, blocks, lengths, values', async () => {
    await compiledBy(gpu, () => build({ w: 16, ids: ids() }));
    for (const o of [
      { blockSize: 32 },
      { blockSize: [64, 96], align: 'start' },
      { Lq: 1000, Lk: 3000, B: 2, H: 3 },
      { B: 2, seqUsedK: Int32Array.of(3, 60) },
    ]) {
      const built = await compiledBy(gpu, () => build({ w: 5, ids: ids(40) }, o));
      expect(built, JSON.stringify(o)).toEqual(none);
    }
    const packed = (cu: readonly number[]): unknown =>
      createBlockMask(gpu, make(), {
        cuSeqlensQ: Int32Array.from(cu),
        captures: { w: 16, ids: ids() },
      });
    expect(await compiledBy(gpu, () => packed([0, 5, 9]))).toEqual(once);
    expect(await compiledBy(gpu, () => packed([0, 50, 90, 100]))).toEqual(none);
  });

  it('compiles one kernel for its lists, whichever', async () => {
    const first = createBlockMask(gpu, causal, { Lq: 64, Lk: 64 });
    expect(await compiledBy(gpu, () => first.kvIndices)).toEqual(once);
    expect(await compiledBy(gpu, () => [first.fullQIndices, first.qNumBlocks])).toEqual(none);
  });

  it('is another call’s with nothing compiled, rebuilt and of another block size too', async () => {
    const captures = { w: 16, ids: ids() };
    const { q, k, v } = source.dense(1, 64, 64);
    const attend = (o = {}): void => {
      const blockMask = createBlockMask(gpu, make(), { Lq: 64, Lk: 64, captures, ...o });
      flexAttention(q, k, v, { blockMask, numSplits: 1 });
    };
    await compiledBy(gpu, attend);
    expect(await compiledBy(gpu, () => attend({ blockSize: 32 }))).toEqual(none);
    expect(await compiledBy(gpu, () => attend({ captures: { w: 9, ids: ids(33) } }))).toEqual(none);
  });
});

describe('planFlexAttention', () => {
  const sizes = { layout: 'dense', q: [1, 4, 64, 8], k: [1, 2, 64, 8] } as const;

  it('leaves nothing to compile with tables in a mask, of which summaries are made', async () => {
    const id = ints(Array.from({ length: 64 }, (_, i) => i >> 3));
    const near = (window: number): MaskMod<{ id: Tensor }> =>
      andMasks(document, bind(slidingWindow, { window }));
    const problem = { ...sizes, maskMod: near(7), captures: { id }, numSplits: 1 } as const;
    using plan = planFlexAttention(gpu, problem);
    const warm = await compiledBy(gpu, () => plan.warmup());
    expect(warm.pipelines).toBeGreaterThan(0);
    const tensors = source.dense(1, 64, 64);
    expect(await compiledBy(gpu, () => plan.run(tensors))).toEqual(none);
    const captures = { id: ints([0, 1, 2]) };
    const more = { ...tensors, maskMod: near(40), captures, returnLse: true };
    expect(await compiledBy(gpu, () => plan.run(more))).toEqual(none);
  });

  it('leaves nothing to compile with a block mask, and another one', async () => {
    const captures = { id: ints(Array.from({ length: 64 }, (_, i) => i >> 3)) };
    const made = { Lq: 64, Lk: 64, captures };
    const blockMask = createBlockMask(gpu, document, { ...made, blockSize: 32 });
    using plan = planFlexAttention(gpu, { ...sizes, blockMask, numSplits: 1 });
    const warm = await compiledBy(gpu, () => plan.warmup());
    expect(warm.pipelines).toBeGreaterThan(0);
    const tensors = source.dense(1, 64, 64);
    expect(await compiledBy(gpu, () => plan.run(tensors))).toEqual(none);
    const other = createBlockMask(gpu, document, made);
    expect(await compiledBy(gpu, () => plan.run({ ...tensors, blockMask: other }))).toEqual(none);
  });

  it('leaves nothing to compile where lengths are on the GPU and tables are gathered', async () => {
    type Two = { readonly a: Tensor; readonly b: Tensor };
    const scoreMod: ScoreMod<Two> = (s, b, h, q, kv, c) => s + c.a[h]! - c.b[q]!;
    const [a, b] = [source.normal([4]), source.normal([64])];
    const layout = { layout: 'varlen', q: [70, 4, 8], k: [90, 2, 8] } as const;
    using plan = planFlexAttention(gpu, { ...layout, scoreMod, captures: { a, b }, numSplits: 1 });
    await compiledBy(gpu, () => plan.warmup());
    const [cuSeqlensQ, cuSeqlensK] = [ints([0, 30, 70]), ints([0, 50, 90])];
    const tensors = { ...source.packed(70, 90), cuSeqlensQ, cuSeqlensK };
    expect(await compiledBy(gpu, () => plan.run(tensors))).toEqual(none);
  });

  it(
    'with backward leaves nothing to compile in gradients, tables included',
    { tags: ['full'] },
    async () => {
      const scoreMod: ScoreMod<{ a: Tensor }> = (s, b, h, q, kv, c) => s * c.a[h]!;
      const problem = { ...sizes, scoreMod, captures: { a: source.normal([4]) } } as const;
      using plan = planFlexAttention(gpu, { ...problem, numSplits: 1, backward: true });
      await compiledBy(gpu, () => plan.warmup());
      const tensors = source.dense(1, 64, 64);
      const dOut = source.normal([1, 4, 64, 8]);
      const planned = () => plan.run(tensors).backward(dOut).dCaptures['a']!;
      expect(await compiledBy(gpu, planned)).toEqual(none);
      const { captures } = problem;
      const called = flexAttentionVjp(tensors.q, tensors.k, tensors.v, { scoreMod, captures });
      const expected = await called.backward(dOut).dCaptures['a'].read();
      expect(await planned().read()).toEqual(expected);
    },
  );

  it('is made for its functions', () => {
    using plan = planFlexAttention(gpu, { ...sizes, maskMod: causal, numSplits: 1 });
    const tensors = source.dense(1, 64, 64);
    const other: MaskMod = (b, h, q, kv) => q > kv;
    expect(() => plan.run({ ...tensors, maskMod: other })).toThrow(/this plan was made for hooks/);
    expect(() => plan.run({ ...tensors, scoreMod: (s) => s })).toThrow(/made for hooks/);
  });
});
