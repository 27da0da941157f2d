import type { Gpu, Tensor } from '@heed/core';
import { topKeys, type TopKeysOptions } from '@heed/kernels-wgsl';
import { isFullRun, Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

/** Small integers, whose scores are exact in f32: ties are frequent. */
const integers = (rng: Rng, count: number): Float32Array =>
  rng.normals(count).map((x) => Math.round(2 * x));

/** The scores that one head of dim 1 gives these keys, with q = 1. */
async function ofScores(
  scores: readonly number[],
  options: Partial<TopKeysOptions> & { readonly topK: number },
): Promise<number[]> {
  // Two heads, for scores of either sign: relu(k) − relu(−k).
  const q = gpu.tensor([1, -1], { shape: [1, 2, 1, 1] });
  const weights = gpu.tensor([1, -1], { shape: [1, 2, 1] });
  const k = gpu.tensor(scores, { shape: [1, 1, scores.length, 1] });
  return [...(await topKeys(q, k, { weights, ...options }).read())];
}

describe('one row', () => {
  it('lists its best keys in ascending order of position', async () => {
    expect(await ofScores([3, 9, 1, 7, 5], { topK: 3 })).toEqual([1, 3, 4]);
    expect(await ofScores([-3, -9, -1, -7, -5], { topK: 2 })).toEqual([0, 2]);
  });

  it('takes the lower of equal positions', async () => {
    expect(await ofScores([2, 1, 2, 2, 1], { topK: 2 })).toEqual([0, 2]);
    expect(await ofScores(new Array<number>(300).fill(-4), { topK: 5 })).toEqual([0, 1, 2, 3, 4]);
    expect(await ofScores([0, -0, 1, -0, 0], { topK: 4 })).toEqual([0, 1, 2, 3]);
  });

  it('ends with −1 if it has fewer keys', async () => {
    expect(await ofScores([4, 6], { topK: 5 })).toEqual([0, 1, -1, -1, -1]);
    expect(await ofScores([], { topK: 2 })).toEqual([-1, -1]);
  });

  it('counts NaN as −∞, which comes last', async () => {
    const scores = [NaN, 1, -Infinity, -2, NaN, Infinity];
    expect(await ofScores(scores, { topK: 3 })).toEqual([1, 3, 5]);
    expect(await ofScores(scores, { topK: 4 })).toEqual([0, 1, 3, 5]);
    expect(await ofScores(scores, { topK: 7 })).toEqual([0, 1, 2, 3, 4, 5, -1]);
  });

  it('tells scores apart in every bit', async () => {
    const near = [1, 1 + 2 ** -23, 1 + 2 ** -22, 1 - 2 ** -24, 2 ** -120, 2 ** 120, -(2 ** -120)];
    expect(await ofScores(near, { topK: 2 })).toEqual([2, 5]);
    expect(await ofScores(near, { topK: 3 })).toEqual([1, 2, 5]);
    expect(await ofScores(near, { topK: 6 })).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('finds one key among many', async () => {
    const scores = Array.from({ length: 5000 }, (_, j) => (j === 4321 ? 8 : j % 8));
    expect(await ofScores(scores, { topK: 1 })).toEqual([4321]);
  });
});

/** The definition, over numbers whose scores are exact. */
function expected(
  q: readonly number[][],
  k: readonly number[][],
  weights: readonly number[],
  isVisible: (key: number) => boolean,
  { topK, blockSize = 1 }: { readonly topK: number; readonly blockSize?: number },
): number[] {
  const best = new Map<number, number>();
  k.forEach((key, j) => {
    if (!isVisible(j)) return;
    const score = q.reduce((sum, head, h) => {
      const dot = head.reduce((s, x, d) => s + x * key[d]!, 0);
      return sum + weights[h]! * Math.max(0, dot);
    }, 0);
    const entry = Math.floor(j / blockSize);
    best.set(entry, Math.max(best.get(entry) ?? -Infinity, score));
  });
  const order = [...best].toSorted(([i, a], [j, b]) => b - a || i - j);
  const entries = order.slice(0, topK).map(([entry]) => entry);
  entries.sort((a, b) => a - b);
  return [...entries, ...new Array<number>(topK - entries.length).fill(-1)];
}

interface Shape {
  readonly heads: number;
  readonly dim: number;
  readonly lq: number;
  readonly lk: number;
  readonly dtype?: 'f32' | 'f16';
  readonly options: TopKeysOptions;
}

const shapes: Readonly<Record<string, Shape>> = {
  'one head': { heads: 1, dim: 8, lq: 40, lk: 70, options: { topK: 9 } },
  'three heads, causal': { heads: 3, dim: 5, lq: 33, lk: 90, options: { topK: 16, causal: true } },
  'more heads than a tile': {
    heads: 64,
    dim: 16,
    lq: 5,
    lk: 40,
    options: { topK: 7, causal: true },
  },
  'a prime number of heads': { heads: 37, dim: 4, lq: 2, lk: 35, options: { topK: 33 } },
  'a window': { heads: 4, dim: 36, lq: 70, lk: 70, options: { topK: 6, window: [9, 3] } },
  'align start': {
    heads: 4,
    dim: 8,
    lq: 9,
    lk: 50,
    options: { topK: 20, causal: true, align: 'start' },
  },
  'blocks of 16': {
    heads: 2,
    dim: 8,
    lq: 20,
    lk: 200,
    options: { topK: 5, blockSize: 16, causal: true },
  },
  'blocks of 7': {
    heads: 2,
    dim: 8,
    lq: 3,
    lk: 100,
    options: { topK: 20, blockSize: 7, causal: true },
  },
  'rows without keys': { heads: 2, dim: 8, lq: 40, lk: 12, options: { topK: 4, causal: true } },
  f16: { heads: 4, dim: 8, lq: 11, lk: 65, dtype: 'f16', options: { topK: 8 } },
};

/** Rows of [heads, dim] from [heads, rows, dim]. */
function rowsOf(
  data: Float32Array,
  heads: number,
  rows: number,
  dim: number,
  row: number,
): number[][] {
  return Array.from({ length: heads }, (_, h) => {
    const at = (h * rows + row) * dim;
    return [...data.subarray(at, at + dim)];
  });
}

describe('dense rows', () => {
  const names = Object.keys(shapes);
  it.for(isFullRun() ? names : names.slice(0, 2))('%s', async (name) => {
    const { heads, dim, lq, lk, options, dtype = 'f32' } = shapes[name]!;
    const rng = new Rng(7);
    const batch = 2;
    const q = integers(rng, batch * heads * lq * dim);
    const k = integers(rng, batch * lk * dim);
    const w = integers(rng, batch * heads * lq);
    const got = topKeys(
      gpu.tensor(q, { shape: [batch, heads, lq, dim], dtype }),
      gpu.tensor(k, { shape: [batch, 1, lk, dim], dtype }),
      { ...options, weights: gpu.tensor(w, { shape: [batch, heads, lq], dtype }) },
    );
    expect(got.shape).toEqual([batch, 1, lq, options.topK]);
    const lists = await got.read();
    const { causal = false, window: [left, right] = [-1, -1], align = 'end', topK } = options;
    for (let b = 0; b < batch; b++) {
      const keys = rowsOf(k, 1, lk, dim * lk, b)[0]!;
      const keyRows = Array.from({ length: lk }, (_, j) => keys.slice(j * dim, (j + 1) * dim));
      for (let i = 0; i < lq; i++) {
        const at = align === 'end' ? i + lk - lq : i;
        const isVisible = (j: number): boolean =>
          (!causal || j <= at) && (left < 0 || j >= at - left) && (right < 0 || j <= at + right);
        const rowsOfQ = rowsOf(q.subarray(b * heads * lq * dim), heads, lq, dim, i);
        const weights = Array.from({ length: heads }, (_, h) => w[(b * heads + h) * lq + i]!);
        const want = expected(rowsOfQ, keyRows, weights, isVisible, options);
        const row = (b * lq + i) * topK;
        expect([...lists.subarray(row, row + topK)], `row ${i} of batch ${b}`).toEqual(want);
      }
    }
  });
});

describe('packed rows', () => {
  const cuSeqlensQ = Int32Array.of(0, 5, 5, 12, 13);
  const cuSeqlensK = Int32Array.of(0, 9, 12, 12, 80);
  const [tq, tk, heads, dim] = [15, 80, 2, 8];

  interface Problem {
    readonly q: Tensor;
    readonly k: Tensor;
    readonly rows: Float32Array;
    readonly keys: Float32Array;
  }

  function problem(): Problem {
    const rng = new Rng(3);
    const [rows, keys] = [integers(rng, tq * heads * dim), integers(rng, tk * dim)];
    return {
      rows,
      keys,
      q: gpu.tensor(rows, { shape: [tq, heads, dim] }),
      k: gpu.tensor(keys, { shape: [tk, 1, dim] }),
    };
  }

  function wanted({ rows, keys }: Problem, topK: number, used?: readonly number[]): number[] {
    const vector = (data: Float32Array, at: number): number[] => [
      ...data.subarray(at * dim, (at + 1) * dim),
    ];
    return Array.from({ length: tq }, (_, row) => {
      const b = cuSeqlensQ.findLastIndex((begin) => begin <= row);
      if (b === cuSeqlensQ.length - 1) return new Array<number>(topK).fill(-1);
      const length = used?.[b] ?? cuSeqlensK[b + 1]! - cuSeqlensK[b]!;
      const at = row - cuSeqlensQ[b]! + length - (cuSeqlensQ[b + 1]! - cuSeqlensQ[b]!);
      const own = Array.from({ length }, (__, j) => vector(keys, cuSeqlensK[b]! + j));
      const heads2 = [0, 1].map((h) => vector(rows, row * heads + h));
      return expected(heads2, own, [1, 1], (j) => j <= at, { topK });
    }).flat();
  }

  it('belong to their own sequences, or to none', async () => {
    const all = problem();
    const { q, k } = all;
    const options = { cuSeqlensQ, cuSeqlensK, topK: 6, causal: true };
    const got = topKeys(q, k, options);
    expect(got.shape).toEqual([tq, 1, 6]);
    expect([...(await got.read())]).toEqual(wanted(all, 6));
    const lists = (list: Int32Array): Tensor => gpu.tensor(list, { shape: [list.length] });
    const onGpu = { cuSeqlensQ: lists(cuSeqlensQ), cuSeqlensK: lists(cuSeqlensK) };
    expect([...(await topKeys(q, k, { ...options, ...onGpu }).read())]).toEqual(wanted(all, 6));
    const used = [7, 3, 0, 33];
    const short = topKeys(q, k, { ...options, seqUsedK: Int32Array.from(used) });
    expect([...(await short.read())]).toEqual(wanted(all, 6, used));
  });

  it('find their keys in pages of any order', async () => {
    const all = problem();
    const { q, keys } = all;
    const pageSize = 4;
    const lengths = [0, 1, 2, 3].map((b) => cuSeqlensK[b + 1]! - cuSeqlensK[b]!);
    const maxPages = Math.max(...lengths.map((n) => Math.ceil(n / pageSize)));
    const pool = new Float32Array(40 * pageSize * dim).fill(NaN);
    const blockTable = new Int32Array(4 * maxPages).fill(-1);
    let page = 39;
    lengths.forEach((n, b) => {
      for (let j = 0; j < n; j++) {
        if (j % pageSize === 0) blockTable[b * maxPages + j / pageSize] = page--;
        const row = (page + 1) * pageSize + (j % pageSize);
        pool.set(
          keys.subarray((cuSeqlensK[b]! + j) * dim, (cuSeqlensK[b]! + j + 1) * dim),
          row * dim,
        );
      }
    });
    const got = topKeys(q, gpu.tensor(pool, { shape: [40, pageSize, 1, dim] }), {
      cuSeqlensQ,
      blockTable,
      seqUsedK: Int32Array.from(lengths),
      topK: 6,
      causal: true,
    });
    expect([...(await got.read())]).toEqual(wanted(all, 6));
  });

  it('take keys, lengths and window from a view', async () => {
    const k = gpu.tensor(integers(new Rng(9), 6 * 4 * dim), { shape: [6, 4, 1, dim] });
    const q = gpu.tensor(integers(new Rng(8), 3 * heads * dim), { shape: [3, heads, dim] });
    const list = (...of: number[]): Tensor =>
      gpu.tensor(Int32Array.from(of), { shape: [of.length] });
    const [blockTable, seqUsedK] = [list(5, 0, 2, 4, 1, 3).reshape([2, 3]), list(11, 6)];
    const cu = list(0, 1, 3);
    const own = { blockTable, seqUsedK, cuSeqlensQ: cu };
    // The values of the cache are other tensors, of another head dim.
    const v = gpu.empty([6, 4, 1, 2]);
    const facts = { pageSize: 4, format: 'f32', headDim: dim, headDimV: 2 } as const;
    const view = { ...own, ...facts, k, v, maxSeqlenK: 11 };
    const plain = topKeys(q, k, { ...own, topK: 4, causal: true });
    const viewed = topKeys(q, view, { topK: 4, causal: true });
    expect(await viewed.read()).toEqual(await plain.read());
    const windowed = topKeys(q, { ...view, window: 3 }, { topK: 6 });
    const held = topKeys(q, k, { ...own, topK: 6, window: [3, -1] });
    expect(await windowed.read()).toEqual(await held.read());
  });
});

it('does the rows in parts where their scores would fill 64 MiB', { tags: ['full'] }, async () => {
  const [rows, keys] = [300, 65_600];
  const q = gpu.tensor(integers(new Rng(5), rows * 4), { shape: [1, 1, rows, 4] });
  const k = gpu.tensor(integers(new Rng(6), keys * 4), { shape: [1, 1, keys, 4] });
  // One pipeline serves both: the band is data.
  const all = await topKeys(q, k, { topK: 9, align: 'start' }).read();
  const last = await topKeys(q.slice(2, 290, 300), k, { topK: 9, align: 'start' }).read();
  expect(all.subarray(290 * 9)).toEqual(last);
});

describe('refusals', () => {
  const q = (): Tensor => gpu.empty([1, 4, 3, 8]);
  const k = (): Tensor => gpu.empty([1, 1, 5, 8]);
  const cases: Readonly<Record<string, readonly [() => unknown, RegExp]>> = {
    'no topK': [() => topKeys(q(), k(), {} as never), /topK must be an integer from 1/],
    'topK 0': [() => topKeys(q(), k(), { topK: 0 }), /topK must be an integer from 1/],
    'a block size of 0': [() => topKeys(q(), k(), { topK: 1, blockSize: 0 }), /blockSize must be/],
    'two key heads': [
      () => topKeys(q(), gpu.empty([1, 2, 5, 8]), { topK: 1 }),
      /k must have one head/,
    ],
    'weights of another shape': [
      () => topKeys(q(), k(), { topK: 1, weights: gpu.empty([1, 3, 4]) }),
      /weights must be \[1,4,3\]; got \[1,3,4\]/,
    ],
    'other names': [
      () => topKeys(q(), k(), { topK: 1, isCausal: true } as never),
      /there is no isCausal in options.*Did you mean causal\?/,
    ],
    'packed lengths of dense rows': [
      () => topKeys(q(), k(), { topK: 1, cuSeqlensQ: Int32Array.of(0, 3) }),
      /q must have rank 3 where there is cuSeqlensQ/,
    ],
    'a result that is too large': [
      () => topKeys(q(), k(), { topK: 2 ** 29 }),
      /the result must fit one binding/,
    ],
  };
  it.for(Object.entries(cases))('%s', ([, [call, message]]) => {
    expect(call).toThrow(message);
  });
});
