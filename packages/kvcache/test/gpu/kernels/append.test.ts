import { type Gpu, ValidationError } from '@heed/core';
import { kernelCount } from '@heed/core/kernel';
import { Rng, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { appendRows } from '../../../src/kernels/append-rows.ts';
import {
  awkwardNumbers,
  floatRow,
  geometryOf,
  type Layout,
  poolsOf,
  rowsOf,
  wordsOf,
} from './model.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

interface Case {
  readonly dims: readonly [number, number];
  readonly page: readonly [size: number, heads: number];
  readonly types: readonly ['f32' | 'f16', 'f32' | 'f16'];
  readonly layouts: readonly [Layout, Layout];
}

const cases: readonly Case[] = [
  { dims: [64, 64], page: [16, 2], types: ['f16', 'f16'], layouts: ['dense', 'dense'] },
  { dims: [1, 3], page: [1, 3], types: ['f16', 'f16'], layouts: ['dense', 'inside'] },
  { dims: [7, 80], page: [3, 1], types: ['f16', 'f32'], layouts: ['transposed', 'dense'] },
  { dims: [129, 1], page: [16, 2], types: ['f32', 'f16'], layouts: ['inside', 'transposed'] },
  { dims: [3, 7], page: [1, 5], types: ['f32', 'f32'], layouts: ['dense', 'inside'] },
];

describe.for(['f32', 'f16'] as const)('append to %s pages', { tags: ['device'] }, (format) => {
  it.for(cases)('$dims, pages of $page, from $types $layouts', async (c, { task }) => {
    const rng = new Rng(task.id.length + c.dims[0]);
    const geometry = geometryOf(format, c.dims, c.page);
    const [size, heads] = c.page;
    const pages = 11;
    const { pools, hosts } = await poolsOf(gpu, geometry, pages);
    const tokens = 9;
    const slots = Int32Array.from(rng.permutation(pages * size).slice(0, tokens));
    // Left out: −1, what is far below, and what is just and far beyond the pool.
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
});

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
    const append = async (dim: number, dtype: 'f32' | 'f16', layout: Layout): Promise<void> => {
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
    expect(kernelCount(gpu)).toBe(before);
  });
});
