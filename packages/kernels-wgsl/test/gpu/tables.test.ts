import type { Gpu, Tensor } from '@heed/core';
import { attention, varlenAttention, type VarlenOptions } from '@heed/kernels-wgsl';
import { bits, type Qkv, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 8, 64);
});

/** Every second element of a tensor of twice the length; the others are of no use to anybody. */
function everySecond(list: readonly number[], dtype: 'i32' | 'f32'): Tensor {
  const data = list.flatMap((x) => [x, -123_456]);
  return gpu
    .tensor(data, { shape: [list.length, 2], dtype })
    .slice(1, 0, 1)
    .reshape([list.length]);
}

/** The same numbers in a tensor with gaps, an offset, and in dense memory. */
const placements: Readonly<
  Record<string, (list: readonly number[], dtype: 'i32' | 'f32') => Tensor>
> = {
  dense: (list, dtype) => gpu.tensor(list, { shape: [list.length], dtype }),
  'after others': (list, dtype) =>
    gpu
      .tensor([9, 9, 9, ...list], { shape: [list.length + 3], dtype })
      .slice(0, 3, list.length + 3),
  'with gaps': everySecond,
};

describe.for(Object.entries(placements))('tables that lie %s', ([, place]) => {
  it('give slopes and sinks, together and alone', async () => {
    const { q, k, v } = source.dense(2, 20, 40);
    const [slopes, sinks] = [
      [0.5, 0.25, 0.125, 0.0625],
      [1, -2, 0, 3],
    ];
    const run = (at: typeof place): Tensor[] => {
      const alibiSlopes = at(slopes, 'f32');
      const sinkLogits = at(sinks, 'f32');
      return [
        attention(q, k, v, { alibiSlopes, numSplits: 1 }).out,
        attention(q, k, v, { sinks: sinkLogits, numSplits: 1 }).out,
        attention(q, k, v, { alibiSlopes, sinks: sinkLogits, numSplits: 1 }).out,
      ];
    };
    expect(await bits(...run(place))).toEqual(await bits(...run(placements['dense']!)));
  });

  it('give used lengths', async () => {
    const { q, k, v } = source.dense(3, 9, 40);
    const used = [40, 7, 0];
    const run = (seqUsedK: Int32Array | Tensor): Tensor =>
      attention(q, k, v, { seqUsedK, numSplits: 1 }).out;
    expect(await bits(run(place(used, 'i32')))).toEqual(await bits(run(Int32Array.from(used))));
  });

  it('give cumulative lengths, those of k from the host', async () => {
    const { q, k, v } = source.packed(30, 50);
    const run = (cuSeqlensQ: Int32Array | Tensor): Tensor =>
      varlenAttention(q, k, v, { cuSeqlensQ, cuSeqlensK: Int32Array.of(0, 33, 50), numSplits: 1 })
        .out;
    const list = [0, 11, 30];
    expect(await bits(run(place(list, 'i32')))).toEqual(await bits(run(Int32Array.from(list))));
  });
});

describe('a table of two axes', () => {
  const perBatch = [
    [0.5, 0.25, 0.125, 0.0625],
    [1, 2, 3, 4],
  ];

  it('of slopes has a row for each batch entry, whatever its strides', async () => {
    const { q, k, v } = source.dense(2, 20, 40);
    const run = (alibiSlopes: Tensor): Tensor =>
      attention(q, k, v, { alibiSlopes, numSplits: 1 }).out;
    const dense = gpu.tensor(perBatch.flat(), { shape: [2, 4] });
    const transposed = gpu
      .tensor(
        [0, 1, 2, 3].flatMap((h) => [perBatch[0]![h]!, perBatch[1]![h]!]),
        { shape: [4, 2] },
      )
      .permute([1, 0]);
    expect(await bits(run(transposed))).toEqual(await bits(run(dense)));
  });

  it('of pages is read through its strides', async () => {
    const { q } = source.packed(5, 1);
    const [k, v] = [source.normal([6, 4, 2, 64]), source.normal([6, 4, 2, 64])];
    const rows = [
      [5, 0, 3],
      [2, 4, 1],
    ];
    const run = (blockTable: Int32Array | Tensor): Tensor => {
      const options = { cuSeqlensQ: Int32Array.of(0, 2, 5), seqUsedK: Int32Array.of(9, 12) };
      return varlenAttention(q, k, v, { ...options, blockTable, numSplits: 1 }).out;
    };
    const wide = gpu.tensor(Int32Array.from(rows.flatMap((row) => [-1, ...row, 77])), {
      shape: [2, 5],
    });
    expect(await bits(run(wide.slice(1, 1, 4)))).toEqual(
      await bits(run(Int32Array.from(rows.flat()))),
    );
  });
});

describe('lists that lie in one tensor', () => {
  const lists = { cuSeqlensQ: [0, 2, 5], seqUsedK: [9, 12], blockTable: [5, 0, 3, 2, 4, 1] };
  const places = { cuSeqlensQ: [70, 3], seqUsedK: [2, 2], blockTable: [133, 6] } as const;

  function together(): VarlenOptions {
    const words = new Int32Array(200).fill(-7);
    for (const name of ['cuSeqlensQ', 'seqUsedK', 'blockTable'] as const) {
      words.set(lists[name], places[name][0]);
    }
    const memory = gpu.tensor(words, { shape: [200] });
    const slice = ([start, length]: readonly [number, number]): Tensor =>
      memory.slice(0, start, start + length);
    return {
      cuSeqlensQ: slice(places.cuSeqlensQ),
      seqUsedK: slice(places.seqUsedK),
      blockTable: slice(places.blockTable).reshape([2, 3]),
    };
  }

  it('are bound as they are: one dispatch, and the same bits', async () => {
    const { q } = source.packed(5, 1);
    const [k, v] = [source.normal([6, 4, 2, 64]), source.normal([6, 4, 2, 64])];
    const run = (options: VarlenOptions): Tensor =>
      varlenAttention(q, k, v, { ...options, numSplits: 1 }).out;
    const apart = {
      cuSeqlensQ: Int32Array.from(lists.cuSeqlensQ),
      seqUsedK: Int32Array.from(lists.seqUsedK),
      blockTable: Int32Array.from(lists.blockTable),
    };
    const { result, spans } = await gpu.profile(() => run(together()));
    expect(spans).toHaveLength(1);
    expect(await bits(result)).toEqual(await bits(run(apart)));
  });
});

describe('one list for both sides', () => {
  it('is the same as two', async () => {
    const tensors: Qkv = source.packed(50, 50);
    const cu = Int32Array.of(0, 20, 50);
    const run = (options: VarlenOptions): Tensor =>
      varlenAttention(tensors.q, tensors.k, tensors.v, { ...options, numSplits: 1 }).out;
    const want = await bits(run({ cuSeqlensQ: cu, cuSeqlensK: Int32Array.from(cu) }));
    expect(await bits(run({ cuSeqlensQ: cu }))).toEqual(want);
    const onGpu = gpu.tensor(cu, { shape: [3] });
    expect(await bits(run({ cuSeqlensQ: onGpu }))).toEqual(want);
    expect(await bits(run({ cuSeqlensQ: onGpu, cuSeqlensK: cu }))).toEqual(want);
  });
});
