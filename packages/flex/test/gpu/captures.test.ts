import type { Gpu, Tensor } from '@heed/core';
import { bits, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  andMasks,
  bind,
  f32,
  flexAttention,
  i32,
  type MaskMod,
  notMask,
  orMasks,
  type ScoreMod,
} from '../../src/index.ts';
import { slidingWindow } from '../../src/masks/index.ts';
import { range } from './attend.ts';
import { expectAttention, RowData } from './flex-data.ts';

let gpu: Gpu;
let data: RowData;
beforeAll(async () => {
  gpu = await testGpu();
  data = new RowData(gpu, 2 * 11, 2 * 21);
});

/** Two batch entries of 11 queries and 21 keys. */
const sequences = [0, 1].map((b) => ({
  q: range(11 * b, 11 * b + 11),
  k: range(21 * b, 21 * b + 21),
}));
const dense = { numSplits: 1, returnLse: true } as const;

/** Every kind of capture in one function, so that it is one kernel. */
interface All {
  readonly scalar: Tensor;
  readonly heads: Tensor;
  readonly same: Tensor;
  readonly grid: Tensor;
  readonly cube: Tensor;
  readonly full: Tensor;
  readonly words: Tensor;
  readonly on: boolean;
  readonly off: boolean;
  readonly whole: number;
  readonly real: number;
  readonly twice: (x: number) => number;
}

const everything: ScoreMod<All> = (s, b, h, q, kv, c) => {
  let x = s + c.scalar + c.heads[h]! * c.same[h + 1]!;
  x += c.grid[kv % 3]![q & 1]! / 8 + c.cube[b]![h]![kv]! * 0.5;
  x += c.full[b]![h]![q - 10]![kv]!;
  if (c.on && !c.off) x -= c.twice(c.real) + c.whole / 4;
  return c.words[kv]! > 3000000000 ? x : x + (c.words[q]! & 3) * 0.25;
};

interface Values {
  readonly scalar: number;
  readonly heads: readonly number[];
  readonly grid: readonly (readonly number[])[];
  readonly cube: (b: number, h: number, kv: number) => number;
  readonly full: (b: number, h: number, i: number, kv: number) => number;
  readonly words: readonly number[];
}

const values: Values = {
  scalar: 0.375,
  heads: [0.5, -1, 2, 0.25],
  grid: [
    [1, -2],
    [3, 5],
    [-7, 4],
  ],
  cube: (b, h, kv) => ((3 * b + 5 * h + 7 * kv) % 9) / 8 - 0.5,
  full: (b, h, i, kv) => ((b + 2 * h + 3 * i + 5 * kv) % 13) / 8 - 0.75,
  words: Array.from({ length: 21 }, (_, i) => (i % 5 === 4 ? 2 ** 31 + i : 7 * i)),
};

const clampedAt = <T>(list: readonly T[], i: number): T =>
  list[Math.min(Math.max(i, 0), list.length - 1)]!;

/** What the function means. Words above 2³¹ are negative i32, so none is above 3e9. */
const wanted = (s: number, b: number, h: number, q: number, kv: number): number => {
  const { scalar, heads, grid, cube, full, words } = values;
  let x = s + scalar + heads[h]! * clampedAt(heads, h + 1);
  x += grid[kv % 3]![q & 1]! / 8 + cube(b, h, kv) * 0.5 + full(b, h, q - 10, kv);
  x -= 2 * 1.5 + 6 / 4;
  return x + (clampedAt(words, q) & 3) * 0.25;
};

const flat = (shape: readonly number[], element: (...index: number[]) => number): number[] => {
  const [size, ...inner] = shape;
  if (size === undefined) return [element()];
  return range(0, size).flatMap((i) => flat(inner, (...rest) => element(i, ...rest)));
};

/** The tensors, each contiguous and alone, or each a view of a larger one with its axes in another order. */
const placements = {
  contiguous: (dtype: 'f32' | 'f16' | 'i32' | 'u32', shape: readonly number[], list: number[]) =>
    gpu.tensor(list, { shape: [...shape], dtype }),
  'views of larger ones': (
    dtype: 'f32' | 'f16' | 'i32' | 'u32',
    shape: readonly number[],
    list: number[],
  ): Tensor => {
    const axes = shape.map((_, axis) => shape.length - 1 - axis);
    const outer = [...shape].toReversed().map((size) => size + 3);
    const inner = (index: readonly number[]): number => {
      const i = index.map((x) => x - 2).toReversed();
      const isInside = i.every((x, axis) => x >= 0 && x < shape[axis]!);
      return isInside ? list[i.reduce((sum, x, axis) => sum * shape[axis]! + x, 0)]! : 77;
    };
    const whole = gpu.tensor(
      flat(outer, (...index) => inner(index)),
      { shape: outer, dtype },
    );
    const cut = axes.reduce((t, _, axis) => t.slice(axis, 2, 2 + outer[axis]! - 3), whole);
    return cut.permute(axes);
  },
};

describe.for(Object.keys(placements) as (keyof typeof placements)[])('captures, %s', (where) => {
  it('of every rank and dtype are read, the same one twice too', async () => {
    const place = placements[where];
    const heads = place('f32', [4], [...values.heads]);
    const captures: All = {
      scalar: place('f32', [], [values.scalar]),
      heads,
      same: heads,
      grid: place('i32', [3, 2], values.grid.flat()),
      cube: place('f16', [2, 4, 21], flat([2, 4, 21], values.cube)),
      full: place('f32', [2, 4, 11, 21], flat([2, 4, 11, 21], values.full)),
      words: place('u32', [21], [...values.words]),
      on: true,
      off: false,
      whole: i32(6),
      real: f32(1.5),
      twice: (x) => x * 2,
    };
    const { q, k, v } = data.dense(2);
    const options = { ...dense, scoreMod: everything, captures };
    const result = flexAttention(q, k, v, options as never);
    await expectAttention(result, { ...data.arrays, sequences, score: wanted }, 1e-5);
  });
});

describe('scopes', () => {
  it('with one name for several values, inside and outside', async () => {
    const between: MaskMod<{ window: number; test: Function; id: Tensor }> = (b, h, q, kv, c) =>
      c.test(q - kv, c) && c.id[kv]! > 0;
    const column: MaskMod<{ window: number }> = (b, h, q, kv, { window }) => kv === window;
    const id = gpu.tensor(range(0, 21), { shape: [21], dtype: 'i32' });
    const maskMod = orMasks(
      andMasks(
        bind(slidingWindow, { window: 9 }),
        notMask(bind(slidingWindow, { window: 4 })),
        bind(between, { test: (x: number, { window }: { window: number }) => x !== window + 5 }),
      ),
      bind(column, { window: 2 }),
    );
    const { q, k, v } = data.dense(2);
    const captures = { window: 1, id };
    const result = flexAttention(q, k, v, { ...dense, maskMod, captures } as never);
    const mask = (b: number, h: number, at: number, kv: number): boolean =>
      (at >= kv && at - kv <= 9 && at - kv > 4 && at - kv !== 6 && kv > 0) || kv === 2;
    await expectAttention(result, { ...data.arrays, sequences, mask });
  });
});

describe('captured values', () => {
  it('are taken at the call', async () => {
    const { q, k, v } = data.dense(2);
    const captures = { scale: 3 };
    const scoreMod: ScoreMod<{ scale: number }> = (s, b, h, at, kv, { scale }) =>
      s + at * scale - kv;
    const options = { ...dense, scoreMod };
    const want = await bits(flexAttention(q, k, v, { ...options, captures }).out);
    const inBatch = gpu.batch(() => {
      const { out } = flexAttention(q, k, v, { ...options, captures });
      captures.scale = -8;
      return [out, flexAttention(q, k, v, { ...options, captures }).out];
    });
    const [first, second] = await bits(...inBatch);
    expect(first).toEqual(want[0]);
    expect(second).not.toEqual(want[0]);
  });
});
