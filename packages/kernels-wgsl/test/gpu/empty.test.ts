import type { Gpu, Tensor } from '@heed/core';
import { attention, varlenAttention } from '@heed/kernels-wgsl';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { Source } from './data.ts';

let gpu: Gpu;
let source: Source;
beforeAll(async () => {
  gpu = await testGpu();
  source = new Source(gpu, 12);
});

const ints = (list: number[], shape = [list.length]): Tensor =>
  gpu.tensor(Int32Array.from(list), { shape });
const pool = (pages: number): Tensor => source.normal([pages, 4, 2, 64]);
const cu = Int32Array.of(0, 5);

/** Calls with 5 query rows and not one key. */
const keyless = {
  'no sequences': () => {
    const { q, k, v } = source.packed(5, 5);
    return varlenAttention(q, k, v, { cuSeqlensQ: Int32Array.of(0), returnLse: true });
  },
  'no sequences, on the GPU': () => {
    const { q, k, v } = source.packed(5, 5);
    const sinks = source.normal([4]);
    return varlenAttention(q, k, v, { cuSeqlensQ: ints([0]), sinks, returnLse: true });
  },
  'no sequences, a table on the GPU': () => {
    const tables = { seqUsedK: ints([]), blockTable: ints([], [0, 5]), cuSeqlensQ: ints([0]) };
    const { q } = source.packed(5, 0);
    return varlenAttention(q, pool(3), pool(3), { ...tables, returnLse: true });
  },
  'no pages': () => {
    const tables = { seqUsedK: Int32Array.of(0), blockTable: Int32Array.of(7), cuSeqlensQ: cu };
    const { q } = source.packed(5, 0);
    return varlenAttention(q, pool(0), pool(0), { ...tables, returnLse: true });
  },
  'a table without columns': () => {
    const tables = { seqUsedK: ints([9]), blockTable: ints([], [1, 0]), cuSeqlensQ: cu };
    const { q } = source.packed(5, 0);
    return varlenAttention(q, pool(3), pool(3), { ...tables, returnLse: true });
  },
  'keys in a buffer of 4 bytes': () => {
    const buffer = gpu.device.createBuffer({ label: 'tiny', size: 4, usage: 0x80 });
    const none = gpu.wrap(buffer, { shape: [1, 2, 0, 64], dtype: 'f32' });
    return attention(source.normal([1, 4, 5, 64]), none, none, { returnLse: true });
  },
};

describe('without a single key', () => {
  it.for(Object.entries(keyless))('rows are 0 and −∞: %s', async ([, call]) => {
    const { out, lse } = call();
    expect(await out.read()).toMatchTensor(new Float32Array(5 * 4 * 64));
    expect(await lse.read()).toMatchTensor(new Float32Array(5 * 4).fill(-Infinity));
  });
});

describe('without a single row', () => {
  it.for([
    [0, 4, 7],
    [1, 0, 7],
    [1, 4, 0],
  ] as const)('nothing is dispatched: [%i, %i, %i, 64]', async ([b, h, l]) => {
    const [q, k] = [source.normal([b, h, l, 64]), source.normal([1, h === 0 ? 0 : 2, 9, 64])];
    const { result, spans } = await gpu.profile(() => attention(q, k, k, { returnLse: true }));
    expect(spans).toEqual([]);
    expect([result.out.shape, result.lse.shape]).toEqual([q.shape, [b, h, l]]);
  });
});

it('an empty out is taken, though its elements have no places', () => {
  const { q, k, v } = source.dense(1, 0, 5);
  const out = gpu.empty([1, 4, 0, 64]);
  expect(attention(q, k, v, { out }).out).toBe(out);
  const { q: one, k: keys, v: values } = source.dense(1, 3, 5);
  const rows = gpu.wrap(gpu.empty([64]).buffer, {
    shape: [1, 4, 3, 64],
    dtype: 'f32',
    strides: [0, 0, 0, 1],
  });
  expect(() => attention(one, keys, values, { out: rows })).toThrow(/apart/);
});
