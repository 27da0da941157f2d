import { type Gpu, openGpu, type PageFormat, type Tensor } from '@heed/core';
import { flexAttention, type MaskMod, type ScoreMod } from '@heed/flex';
import { planAttention, varlenAttention, type ViewOptions } from '@heed/kernels-wgsl';
import { bits, Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type CacheOptions,
  type KvSequence,
  type KvView,
  PagedKvCache,
} from '../../../src/index.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

interface Batch {
  readonly q: Tensor;
  readonly view: KvView;
  readonly cache: PagedKvCache;
}

interface Plan {
  /** Keys that each group shares; a sequence that is its group's only one shares nothing. */
  readonly shared: readonly number[];
  /** Each sequence: its group, the keys behind the shared ones, and its query rows. */
  readonly members: readonly (readonly [group: number, own: number, rows: number])[];
  readonly qHeads?: number;
  readonly options?: Partial<CacheOptions>;
}

const uneven: Plan = {
  shared: [520, 333, 100],
  members: [
    [1, 5, 1],
    [0, 40, 3],
    [0, 3, 1],
    [2, 9, 2],
    [0, 90, 16],
    [1, 70, 2],
    [1, 33, 4],
    [0, 17, 0],
    [1, 64, 1],
    [0, 31, 17],
    [0, 8, 8],
  ],
};

/** One row each, which a kernel for few rows takes. */
const single: Plan = {
  shared: [500],
  members: [
    [0, 1, 1],
    [0, 40, 1],
    [0, 12, 1],
    [0, 70, 1],
  ],
};

/** Fills a cache with sequences that share their first keys, each with its own behind them. */
async function batchOf(on: Gpu, { shared, members, qHeads = 4, options }: Plan): Promise<Batch> {
  const rng = new Rng(7);
  const shape = { kvHeads: 2, headDim: 32, ...options };
  const { kvHeads, headDim, headDimV = headDim, sharedKv } = shape;
  const memory = { pageSize: 16, pages: 260, dtype: 'f32', poison: true } as const;
  const cache = await PagedKvCache.create(on, { layers: 1, ...memory, ...shape });
  const rows = (count: number, heads: number, dim: number): Tensor =>
    on.tensor(rng.normals(count * heads * dim), { shape: [count, heads, dim] });
  const append = (sequence: KvSequence, count: number): void => {
    if (count === 0) return;
    const k = rows(count, kvHeads, headDim);
    const v = sharedKv ? k.slice(-1, 0, headDimV) : rows(count, kvHeads, headDimV);
    cache.append(0, [sequence], k, v);
  };
  const roots = shared.map((count) => {
    const root = cache.open();
    append(root, count);
    return root;
  });
  const sequences = members.map(([group]) => roots[group]!.fork());
  for (const root of roots) root.close();
  members.forEach(([, own, count], i) => append(sequences[i]!, own - count));
  const total = members.reduce((sum, [, , count]) => sum + count, 0);
  const k = rows(total, kvHeads, headDim);
  const v = sharedKv ? k.slice(-1, 0, headDimV) : rows(total, kvHeads, headDimV);
  let end = 0;
  const cuSeqlens = Int32Array.from([0, ...members.map(([, , count]) => (end += count))]);
  cache.append(0, sequences, k, v, { cuSeqlens });
  return { q: rows(total, qHeads, headDim), view: cache.view(0, sequences), cache };
}

/** Returns whether a call read shared keys in a pass of their own. */
async function isTaken(on: Gpu, call: () => unknown): Promise<boolean> {
  const { spans } = await on.profile(call);
  return spans.some(({ label }) => label.includes('prefix='));
}

const matrixIsForced = (): boolean => gpu.tuning?.force?.path === 'matrix';

const results = { returnLse: true, returnMax: true } as const;

async function expectSameBits(
  on: Gpu,
  plan: Plan,
  options: ViewOptions = {},
  taken = !matrixIsForced(),
): Promise<void> {
  const { q, view, cache } = await batchOf(on, plan);
  const attend = (cascade: boolean) =>
    varlenAttention(q, view, { causal: true, numSplits: 1, ...results, ...options, cascade });
  expect(await isTaken(on, () => attend(true))).toBe(taken);
  expect(await isTaken(on, () => attend(false))).toBe(false);
  const [got, plain] = [attend(true), attend(false)];
  expect(await bits(got.out, got.lse, got.max)).toEqual(
    await bits(plain.out, plain.lse, plain.max),
  );
  cache.dispose();
}

describe('cascade with numSplits 1 has the bits of one pass', () => {
  it('for uneven groups in any order', () => expectSameBits(gpu, uneven));

  it('without causal', () => expectSameBits(gpu, uneven, { causal: false }));

  it('with align start', () => expectSameBits(gpu, uneven, { align: 'start' }));

  it('with softcap, ALiBi and sinks', () =>
    expectSameBits(gpu, uneven, {
      softcap: 3,
      alibiSlopes: gpu.tensor([0.5, 0.25, 0.125, 0.0625], { shape: [4] }),
      sinks: gpu.tensor([0.5, -1, 2, 0], { shape: [4] }),
    }));

  it.for(['f16', 'bf16', 'int8', 'int4'] satisfies PageFormat[])('over %s pages', (dtype) =>
    expectSameBits(gpu, { ...uneven, options: { dtype } }),
  );

  it.for<[PageFormat, PageFormat]>([
    ['f16', 'int8'],
    ['int8', 'f32'],
    ['int4', 'int8'],
  ])('over %s keys and %s values', ([dtype, dtypeV]) =>
    expectSameBits(gpu, { ...uneven, options: { dtype, dtypeV, headDim: 40, headDimV: 20 } }),
  );

  it('with Dv other than Dqk, and one query head', () =>
    expectSameBits(gpu, {
      ...uneven,
      qHeads: 1,
      options: { kvHeads: 1, headDim: 40, headDimV: 20 },
    }));

  it('with sharedKv and head dims 576 and 512', () =>
    expectSameBits(gpu, {
      ...uneven,
      qHeads: 8,
      options: { kvHeads: 1, headDim: 576, headDimV: 512, sharedKv: true },
    }));

  it.for(['portable', 'decode', 'subgroup'] as const)('by the %s path', async (path) => {
    if (path === 'subgroup' && gpu.capabilities.subgroups === undefined) return;
    using own = await openGpu({ device: gpu.device, tuning: { version: 1, force: { path } } });
    await expectSameBits(own, uneven, {}, path !== 'decode');
  });
});

describe("cascade with numSplits 'auto'", () => {
  it.for(['portable', 'decode', 'subgroup', undefined] as const)('by the path %s', async (path) => {
    if (path === 'subgroup' && gpu.capabilities.subgroups === undefined) return;
    const tuning = { version: 1, ...(path && { force: { path } }) } as const;
    using own = await openGpu({ device: gpu.device, tuning });
    const { q, view, cache } = await batchOf(own, path === 'decode' ? single : uneven);
    const sinks = own.tensor([0.5, -1, 2, 0], { shape: [4] });
    const attend = (cascade: boolean) =>
      varlenAttention(q, view, { causal: true, ...results, sinks, cascade });
    expect(await isTaken(own, () => attend(true))).toBe(true);
    const [got, plain] = [attend(true), attend(false)];
    for (const name of ['out', 'lse', 'max'] as const) {
      const [some, others] = [await got[name]!.read(), await plain[name]!.read()];
      // A few ulps of numbers of the order of 1: sums are in another order.
      some.forEach((x, i) => expect(Math.abs(x - others[i]!)).toBeLessThan(4e-6));
    }
    cache.dispose();
  });
});

describe('cascade with mods', () => {
  const scoreMod: ScoreMod<object> = (score, _b, h, q, kv) => score - 0.01 * (q - kv) * (h + 1);
  const maskMod: MaskMod<object> = (_b, _h, q, kv, _c, { kvLen }) =>
    kv <= q && (kv + kvLen) % 3 !== 0;
  const ofBatch: ScoreMod<object> = (score, b) => score + b;

  it('has the bits of one pass', async () => {
    const { q, view, cache } = await batchOf(gpu, uneven);
    const attend = (cascade: boolean) =>
      flexAttention(q, view, { scoreMod, maskMod, numSplits: 1, ...results, cascade });
    expect(await isTaken(gpu, () => attend(true))).toBe(!matrixIsForced());
    const [got, plain] = [attend(true), attend(false)];
    expect(await bits(got.out, got.lse)).toEqual(await bits(plain.out, plain.lse));
    expect(await isTaken(gpu, () => flexAttention(q, view, { scoreMod: ofBatch }))).toBe(false);
    cache.dispose();
  });
});

describe('cascade is not taken', () => {
  it.for<[string, ViewOptions]>([
    ['with a fixed numSplits above 1', { numSplits: 2 }],
    ['with a window', { window: [64, 0] }],
    ['with dropout', { dropout: { rate: 0.1, seed: 1 } }],
  ])('%s', async ([, options]) => {
    const { q, view, cache } = await batchOf(gpu, uneven);
    expect(await isTaken(gpu, () => varlenAttention(q, view, options))).toBe(false);
    cache.dispose();
  });

  it('where little is shared', async () => {
    const plan: Plan = {
      shared: [64],
      members: [
        [0, 64, 1],
        [0, 64, 1],
      ],
    };
    const { q, view, cache } = await batchOf(gpu, plan);
    expect(await isTaken(gpu, () => varlenAttention(q, view, { causal: true }))).toBe(false);
    cache.dispose();
  });
});

describe('a plan with cascade', () => {
  const problem = { layout: 'paged', q: [8, 4, 32], k: [99, 16, 2, 32], sequences: 8 } as const;

  it('compiles both passes, and tells them', async () => {
    const plan = planAttention(gpu, { ...problem, cascade: true, causal: true });
    const told = plan.describe();
    if (matrixIsForced()) return expect(told).toContain('no cascade: ');
    expect(told).toMatch(/^cascade, over views where it saves 1024 keys and 25 % of all; /m);
    expect(told).toMatch(/ prefix=/);
    expect(told).toMatch(/ suffix=/);
    await plan.warmup();
  });

  it.for([
    [{ numSplits: 3 }, 'a fixed numSplits above 1 merges in its own order'],
    [{ dropout: true }, 'dropout has its own pairs for each sequence'],
    [{ layout: 'varlen', q: [8, 4, 32], k: [99, 2, 32] }, 'keys are not in pages'],
  ] as const)('tells why it is not taken: %o', ([change, reason]) => {
    const plan = planAttention(gpu, { ...problem, ...change, cascade: true });
    expect(plan.describe()).toContain(`no cascade: ${reason}`);
  });
});
