import type { Gpu, Tensor } from '@heed/core';
import { attention, varlenAttention, type VarlenOptions } from '@heed/kernels-wgsl';
import { TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 12, 64);
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

const listOf = (...values: number[]): Tensor =>
  gpu.tensor(Int32Array.from(values), { shape: [values.length] });

/** One query over pages that could hold 4096 keys, 40 of them in use. */
async function decode(
  options: Partial<VarlenOptions>,
): Promise<{ out: Float32Array; passes: number }> {
  const page = [64, 64, 2, 64];
  const [q, k, v] = [source.normal([1, 4, 64]), source.normal(page), source.normal(page)];
  const table = gpu.tensor(
    Int32Array.from({ length: 64 }, (_, i) => i),
    { shape: [1, 64] },
  );
  const lists = { cuSeqlensQ: listOf(0, 1), seqUsedK: listOf(40), blockTable: table };
  const { result, spans } = await gpu.profile(() =>
    varlenAttention(q, k, v, { ...lists, ...options }),
  );
  const passes = spans.filter(({ label }) => /forward|combine/.test(label)).length;
  return { out: (await result.out.read()) as Float32Array, passes };
}

describe('maxSeqlenK', () => {
  it('spares the splits that a length on the GPU does not need', async () => {
    expect((await decode({})).passes).toBe(2);
    expect((await decode({ maxSeqlenK: 40 })).passes).toBe(1);
    expect((await decode({ seqUsedK: Int32Array.of(40) })).passes).toBe(1);
  });

  it('is never trusted', async () => {
    source = new TensorSource(gpu, 31, 64);
    const { out } = await decode({ numSplits: 1 });
    for (const maxSeqlenK of [0, 1e9]) {
      source = new TensorSource(gpu, 31, 64);
      const other = (await decode({ maxSeqlenK })).out;
      expect(Math.max(...other.map((x, i) => Math.abs(x - out[i]!)))).toBeLessThan(1e-6);
    }
  });

  it.for([-1, 0.5, NaN, '9'])('must be a length, not %s', async (maxSeqlenK) => {
    const call = decode({ maxSeqlenK: maxSeqlenK as number });
    await expect(call).rejects.toThrow(/maxSeqlenK must be a whole number from 0 on/);
  });
});

/** One query each of two sequences of 300 keys, packed: the number of passes. */
async function packedDecode(cuSeqlensK: Int32Array | Tensor): Promise<number> {
  const kv = [600, 1, 64];
  const [q, k, v] = [source.normal([2, 2, 64]), source.normal(kv), source.normal(kv)];
  const cuSeqlensQ = Int32Array.of(0, 1, 2);
  const { spans } = await gpu.profile(() => varlenAttention(q, k, v, { cuSeqlensQ, cuSeqlensK }));
  return spans.filter(({ label }) => /forward|combine/.test(label)).length;
}

describe('the keys of packed sequences', () => {
  it('are split by the length of one, not of all', async () => {
    expect(await packedDecode(Int32Array.of(0, 300, 600))).toBe(1);
    expect(await packedDecode(listOf(0, 300, 600))).toBe(1);
  });
});
