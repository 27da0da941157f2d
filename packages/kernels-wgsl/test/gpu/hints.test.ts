import type { Gpu, Tensor } from '@heed/core';
import { varlenAttention, type VarlenOptions } from '@heed/kernels-wgsl';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { Source } from './data.ts';

let gpu: Gpu;
let source: Source;
beforeAll(async () => {
  gpu = await testGpu();
  source = new Source(gpu, 31);
});

const ints = (...values: number[]): Tensor =>
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
  const lists = { cuSeqlensQ: ints(0, 1), seqUsedK: ints(40), blockTable: table };
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
    source = new Source(gpu, 31);
    const { out } = await decode({ numSplits: 1 });
    source = new Source(gpu, 31);
    expect((await decode({ maxSeqlenK: 0 })).out).toEqual(out);
    source = new Source(gpu, 31);
    const long = (await decode({ maxSeqlenK: 1e9 })).out;
    expect(Math.max(...long.map((x, i) => Math.abs(x - out[i]!)))).toBeLessThan(1e-6);
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
    expect(await packedDecode(ints(0, 300, 600))).toBe(1);
  });
});
