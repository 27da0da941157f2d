import { type Gpu, ValidationError } from '@heed/core';
import { type FloatType, kernelCount } from '@heed/core/kernel';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { appendRows } from '../../../src/kernels/append-rows.ts';
import {
  awkwardNumbers,
  bitsOf,
  floatOf,
  floatRow,
  geometryOf,
  type Layout,
  poolsOf,
  rowsOf,
  wordsOf,
} from './host-pools.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

interface Case {
  readonly dims: readonly [number, number];
  readonly page: readonly [size: number, heads: number];
  readonly types: readonly [FloatType, FloatType];
  readonly layouts: readonly [Layout, Layout];
}

const cases: readonly Case[] = [
  { dims: [64, 64], page: [16, 2], types: ['f16', 'f16'], layouts: ['dense', 'dense'] },
  { dims: [1, 3], page: [1, 3], types: ['f16', 'f16'], layouts: ['dense', 'inside'] },
  { dims: [7, 80], page: [3, 1], types: ['f16', 'f32'], layouts: ['transposed', 'dense'] },
  { dims: [129, 1], page: [16, 2], types: ['f32', 'f16'], layouts: ['inside', 'transposed'] },
  { dims: [7, 3], page: [3, 2], types: ['bf16', 'f16'], layouts: ['inside', 'transposed'] },
  { dims: [8, 5], page: [2, 2], types: ['f32', 'bf16'], layouts: ['dense', 'dense'] },
  { dims: [3, 7], page: [1, 5], types: ['f32', 'f32'], layouts: ['dense', 'inside'] },
];

describe.for(['f32', 'f16', 'bf16'] as const)(
  'append to %s pages',
  { tags: ['device'] },
  (format) => {
    it.for(cases)('$dims, pages of $page, from $types $layouts', async (c, { task }) => {
      const rng = new Rng(task.id.length + c.dims[0]);
      const geometry = geometryOf(format, c.dims, c.page);
      const [size, heads] = c.page;
      const pages = 11;
      const { pools, hosts } = await poolsOf(gpu, geometry, pages);
      const tokens = 9;
      const slots = Int32Array.from(rng.permutation(pages * size).slice(0, tokens));
      // Not written: −1, a number far below it, and slots just and far beyond the pool.
      slots.set([-1, -(2 ** 31), pages * size, 2 ** 31 - 1], 2);
      const [k, v] = c.dims.map((dim, i) =>
        rowsOf(
          gpu,
          awkwardNumbers(rng, tokens * heads * dim),
          [tokens, heads, dim],
          c.types[i]!,
          c.layouts[i],
        ),
      );
      appendRows(gpu, geometry, pools[0]!, { k: k!.tensor, v: v!.tensor, slots });
      for (const [x, rows] of [
        ['k', k!],
        ['v', v!],
      ] as const) {
        const host = hosts[0]![x];
        const dim = rows.tensor.shape[2]!;
        slots.forEach((slot, t) => {
          if (slot < 0 || slot >= pages * size) return;
          for (let h = 0; h < heads; h++) {
            const at = (t * heads + h) * dim;
            host.row(slot, h).set(floatRow(format, rows.numbers.subarray(at, at + dim)));
          }
        });
        expect(await wordsOf(gpu, pools[0]![x], host.words.length)).toEqual(host.words);
      }
    });
  },
);

describe('append', () => {
  const geometry = geometryOf('f16', [5, 5], [4, 2]);
  const numbers = Float32Array.from({ length: 3 * 2 * 5 }, (_, i) => i);

  it('takes slots from a strided tensor', async () => {
    const { pools, hosts } = await poolsOf(gpu, geometry, 3);
    const rows = rowsOf(gpu, numbers, [3, 2, 5], 'f32');
    const table = gpu.tensor(Int32Array.of(-1, 9, -1, -7, -1, 4), { shape: [3, 2] });
    const slots = table.slice(1, 1, 2).reshape([3]);
    appendRows(gpu, geometry, pools[0]!, { k: rows.tensor, v: rows.tensor, slots });
    [9, 4].forEach((slot, i) => {
      for (const h of [0, 1]) {
        const at = (2 * i * 2 + h) * 5;
        hosts[0]!.k.row(slot, h).set(floatRow('f16', numbers.subarray(at, at + 5)));
      }
    });
    const count = hosts[0]!.k.words.length;
    expect(await wordsOf(gpu, pools[0]!.k, count)).toEqual(hosts[0]!.k.words);
    expect(await wordsOf(gpu, pools[0]!.v, count)).toEqual(hosts[0]!.k.words);
  });

  it('of no token does nothing, and wants a slot for each token', async () => {
    const { pools } = await poolsOf(gpu, geometry, 3);
    const none = gpu.empty([0, 2, 5]);
    appendRows(gpu, geometry, pools[0]!, { k: none, v: none, slots: new Int32Array() });
    const { tensor } = rowsOf(gpu, numbers, [3, 2, 5], 'f32');
    const append = (): void =>
      appendRows(gpu, geometry, pools[0]!, { k: tensor, v: tensor, slots: Int32Array.of(1, 2) });
    expect(append).toThrow(ValidationError);
    expect(append).toThrow('append: there must be one slot for each of the 3 tokens; got [2].');
  });

  it('compiles one kernel for all shapes, strides and dtypes of k and v', async () => {
    const append = async (dim: number, dtype: FloatType, layout: Layout): Promise<void> => {
      const shaped = geometryOf('f16', [dim, dim + 1], [dim, 1]);
      const { pools } = await poolsOf(gpu, shaped, 2);
      const k = rowsOf(gpu, new Float32Array(dim), [1, 1, dim], dtype, layout).tensor;
      const v = rowsOf(gpu, new Float32Array(dim + 1), [1, 1, dim + 1], 'f32').tensor;
      appendRows(gpu, shaped, pools[0]!, { k, v, slots: Int32Array.of(0) });
    };
    await append(2, 'f32', 'dense');
    const before = kernelCount(gpu);
    await append(3, 'f16', 'inside');
    await append(8, 'f16', 'transposed');
    await append(5, 'bf16', 'inside');
    expect(kernelCount(gpu)).toBe(before);
  });
});

const formats = { int8: { bits: 8, largest: 127 }, int4: { bits: 4, largest: 7 } } as const;
type Format = keyof typeof formats;

/** Returns the integers of a packed row, padding included. */
function unpacked(format: Format, row: Uint32Array): number[] {
  const { bits } = formats[format];
  return Array.from(row.subarray(1)).flatMap((word) =>
    Array.from({ length: 32 / bits }, (_, i) => (word << (32 - bits * (i + 1))) >> (32 - bits)),
  );
}

const halfEven = (x: number): number => {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest === 0.5 ? floor + (floor & 1) : Math.round(x);
};

/**
 * Checks a stored row. The scale is within a few ulp, since a GPU's division is not exact. Every integer is nearest to x / scale,
 * or one of the two nearest where x / scale is close to the middle.
 */
function checkRow(format: Format, row: Uint32Array, numbers: Float32Array): void {
  const { largest } = formats[format];
  const scale = floatOf(row[0]!);
  const integers = unpacked(format, row);
  expect(integers.slice(numbers.length)).toEqual(integers.slice(numbers.length).fill(0));
  const top = Math.max(...numbers.map(Math.abs));
  if (!Number.isFinite(top)) {
    expect(scale).toBeNaN();
    return;
  }
  if (top === 0) {
    expect(row).toEqual(new Uint32Array(row.length));
    return;
  }
  expect(Math.abs(scale / (top / largest) - 1)).toBeLessThan(3 * 2 ** -23);
  numbers.forEach((x, d) => {
    const exact = x / scale;
    // Integers have no −0.
    const near = Math.min(largest, Math.max(-largest, halfEven(exact))) + 0;
    const isClear = Math.abs(Math.abs(exact - Math.floor(exact)) - 0.5) > 1e-4;
    if (isClear) expect(integers[d], `element ${d}`).toBe(near);
    else expect(Math.abs(integers[d]! - exact), `element ${d}`).toBeLessThan(0.501);
  });
}

const quantisedCases: readonly (readonly [
  dims: [number, number],
  page: [number, number],
  Layout,
])[] = [
  [[64, 128], [16, 2], 'dense'],
  [[1, 3], [1, 3], 'inside'],
  [[7, 80], [3, 1], 'transposed'],
  [[129, 256], [3, 2], 'dense'],
];

describe.for(['int8', 'int4'] as const)('append to %s pages', { tags: ['device'] }, (format) => {
  it.for(quantisedCases)('%s, pages of %s, %s', async ([dims, page, layout]) => {
    const rng = new Rng(dims[0]);
    const geometry = geometryOf(format, dims, page);
    const [size, heads] = page;
    const [pages, tokens] = [13, 11];
    const { pools, hosts } = await poolsOf(gpu, geometry, pages);
    const slots = Int32Array.from(rng.permutation(pages * size).slice(0, tokens));
    slots.set([-1, pages * size], 1);
    const rows = dims.map((dim) => {
      const numbers = rng.normals(tokens * heads * dim, 3);
      // A kind of row per token: zeros, large, tiny, with NaN, with −∞.
      const each = heads * dim;
      numbers.fill(0, 0, each);
      numbers.subarray(3 * each, 4 * each).forEach((x, i, row) => (row[i] = x * 1e30));
      numbers.subarray(4 * each, 5 * each).forEach((x, i, row) => (row[i] = x * 1e-30));
      numbers[5 * each] = NaN;
      numbers[6 * each + each - 1] = -Infinity;
      return numbers;
    });
    const [k, v] = rows.map((numbers, i) =>
      rowsOf(gpu, numbers, [tokens, heads, dims[i]!], i === 0 ? 'f32' : 'f16', layout),
    );
    appendRows(gpu, geometry, pools[0]!, { k: k!.tensor, v: v!.tensor, slots });
    for (const [x, { tensor, numbers }] of [
      ['k', k!],
      ['v', v!],
    ] as const) {
      const host = hosts[0]![x];
      const dim = tensor.shape[2]!;
      const got = await wordsOf(gpu, pools[0]![x], host.words.length);
      const words = host.words.length / (pages * size * heads);
      slots.forEach((slot, t) => {
        if (slot < 0 || slot >= pages * size) return;
        for (let h = 0; h < heads; h++) {
          const at = (slot * heads + h) * words;
          const from = (t * heads + h) * dim;
          checkRow(format, got.subarray(at, at + words), numbers.subarray(from, from + dim));
          host.row(slot, h).set(got.subarray(at, at + words));
        }
      });
      expect(got, 'the other slots').toEqual(host.words);
    }
  });

  it('rounds ties to even, and packs low part first in two’s complement', async () => {
    const geometry = geometryOf(format, [9, 9], [1, 1]);
    const { pools } = await poolsOf(gpu, geometry, 1);
    // The scale is 1: a power of two times `largest` over `largest`.
    const { largest } = formats[format];
    const numbers = Float32Array.of(largest, -largest, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3);
    const rows = rowsOf(gpu, numbers, [1, 1, 9], 'f32');
    const slots = Int32Array.of(0);
    appendRows(gpu, geometry, pools[0]!, { k: rows.tensor, v: rows.tensor, slots });
    const count = format === 'int8' ? 4 : 3;
    const row = await wordsOf(gpu, pools[0]!.k, count);
    expect(row[0]).toBe(bitsOf(1));
    expect(unpacked(format, row).slice(0, 9)).toEqual([largest, -largest, 0, 2, 2, 0, -2, -2, 3]);
    expect(row[1]! & 0xff).toBe(format === 'int8' ? 0x7f : 0x97);
  });

  it('stores a row too small for a scale as zeros', async () => {
    const geometry = geometryOf(format, [2, 2], [1, 1]);
    const { pools } = await poolsOf(gpu, geometry, 1);
    const rows = rowsOf(gpu, Float32Array.of(1e-38, -1e-39), [1, 1, 2], 'f32');
    const slots = Int32Array.of(0);
    appendRows(gpu, geometry, pools[0]!, { k: rows.tensor, v: rows.tensor, slots });
    expect(await wordsOf(gpu, pools[0]!.k, 2)).toEqual(new Uint32Array(2));
  });
});
