import { type Gpu, LimitError, type Tensor } from '@heed/core';
import {
  attention,
  type AttentionResult,
  mergeStates,
  planAttention,
  varlenAttention,
} from '@heed/kernels-wgsl';
import { bits, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it, vi } from 'vitest';

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 7, 64);
});

const all = (results: readonly AttentionResult[]): Promise<Uint32Array[]> =>
  bits(...results.flatMap(({ out, lse }) => [out, lse]));

/** The results of calls made one by one, and of the same calls made in one batch. */
async function aloneAndTogether(
  calls: readonly (() => AttentionResult)[],
): Promise<[Uint32Array[], Uint32Array[]]> {
  const alone = calls.map((call) => call());
  const together = gpu.batch(() => calls.map((call) => call()));
  return [await all(alone), await all(together)];
}

describe('in one batch', () => {
  it('many calls give the bits that they give alone', async () => {
    const { q, k, v } = source.dense(2, 33, 70);
    const calls = Array.from({ length: 40 }, (_, i) => (): AttentionResult => {
      return attention(q, k, v, { scale: 0.01 * (i + 1), returnLse: true, numSplits: 1 });
    });
    const [alone, together] = await aloneAndTogether(calls);
    expect(together).toEqual(alone);
  });

  it('split calls share no scratch memory', async () => {
    const problems = [3, 9, 3, 1, 9].map((lq) => source.dense(1, lq, 200));
    const calls = [...problems, ...problems].map(({ q, k, v }, i) => (): AttentionResult => {
      return attention(q, k, v, { numSplits: 2 + (i % 3), causal: i % 2 === 0, returnLse: true });
    });
    const [alone, together] = await aloneAndTogether(calls);
    expect(together).toEqual(alone);
  });

  it('each call has its own lengths, from the host or gathered on the GPU', async () => {
    const { q, k, v } = source.packed(60, 80);
    const ends = [10, 33, 60, 0];
    const calls = ends.flatMap((end) => {
      const cuSeqlensQ = Int32Array.of(0, end, 60);
      const cuSeqlensK = gpu.tensor(Int32Array.of(0, end, 80), { shape: [3] });
      const options = { cuSeqlensQ, returnLse: true, numSplits: 1 };
      return [
        () => varlenAttention(q, k, v, options),
        () => varlenAttention(q, k, v, { ...options, cuSeqlensK }),
      ];
    });
    const [alone, together] = await aloneAndTogether(calls);
    expect(together).toEqual(alone);
  });

  it('a result may feed the next call, and be disposed there', async () => {
    const { q, k, v } = source.dense(1, 40, 40);
    const chain = (): Tensor => {
      let x = q;
      for (let i = 0; i < 5; i++) {
        const { out } = attention(x, k, v, { numSplits: 2 });
        if (x !== q) x.dispose();
        x = out;
      }
      return x;
    };
    const alone = await bits(chain());
    expect(await bits(gpu.batch(chain))).toEqual(alone);
  });

  it('states are merged after they were computed', async () => {
    const { q, k, v } = source.dense(1, 8, 96);
    const parts = [0, 32, 64].map((start) => [k, v].map((x) => x.slice(2, start, start + 32)));
    const merged = (): AttentionResult =>
      mergeStates(
        parts.map(([kp, vp]) => attention(q, kp!, vp!, { returnLse: true, numSplits: 1 })),
      );
    const [alone, together] = await aloneAndTogether([merged, merged]);
    expect(together).toEqual(alone);
  });
});

describe('a call that throws', () => {
  it('leaves the batch as it was', async () => {
    const { q, k, v } = source.dense(1, 9, 9);
    const want = await bits(attention(q, k, v, { numSplits: 1 }).out);
    const got = gpu.batch(() => {
      const { out } = attention(q, k, v, { numSplits: 1 });
      expect(() => attention(q, k, v, { scale: NaN })).toThrow('scale');
      return out;
    });
    expect(await bits(got)).toEqual(want);
  });

  it('says how many bytes split results would take', () => {
    const { maxStorageBufferBindingSize, maxBufferSize } = gpu.device.limits;
    const bytes = Math.min(maxStorageBufferBindingSize, maxBufferSize);
    // The queries are small: one row of them, seen many times over.
    const row = gpu.empty([64]);
    const heads = Math.ceil(bytes / (128 * 64 * 4));
    const view = (count: number, shape: number[]): Tensor =>
      gpu.wrap(row.buffer, { shape, strides: [0, 0, 0, 1], dtype: 'f32', label: `${count} rows` });
    const [q, k] = [view(heads, [1, heads + 1, 1, 64]), view(1, [1, 1, 1, 64])];
    const run = (): unknown => attention(q, k, k, { numSplits: 128 });
    expect(run).toThrow(LimitError);
    expect(run).toThrow(
      /^attention: the partial results of all splits .* got \d+ bytes\. Use fewer than 128 splits/,
    );
  });
});

const LAYERS = 32;
const shape = [1, 2, 3, 8];

const ramp = (dims: readonly number[], first: number): Tensor =>
  gpu.tensor(
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(first + i)),
    { shape: [...dims] },
  );

/** Runs steps of a model and counts the bind groups made by the last. */
async function groupsOfLastStep(step: () => Tensor): Promise<number> {
  const outs: ArrayLike<number>[] = [];
  const spy = vi.spyOn(gpu.device, 'createBindGroup');
  for (let i = 0; i < 4; i++) {
    spy.mockClear();
    using out = step();
    outs.push(await out.read());
  }
  const count = spy.mock.calls.length;
  spy.mockRestore();
  for (const out of outs) expect(out).toEqual(outs[0]);
  return count;
}

/** Each layer attends to keys of its own; queries are the output of the layer before. */
function layers(q: Tensor, call: (q: Tensor, layer: number) => Tensor): Tensor {
  let x = q;
  for (let layer = 0; layer < LAYERS; layer++) {
    const next = call(x, layer);
    if (x !== q) x.dispose();
    x = next;
  }
  return x;
}

describe('a second step over the same keys makes no bind group', () => {
  it.for([
    ['in a batch', (step: () => Tensor): Tensor => gpu.batch(step)],
    ['call by call', (step: () => Tensor): Tensor => step()],
  ] as const)('%s', async ([, grouped]) => {
    const q = ramp(shape, 0);
    const keys = Array.from({ length: LAYERS }, (_, i) => ({
      k: ramp(shape, i),
      v: ramp(shape, -i),
    }));
    const plan = planAttention(gpu, { layout: 'dense', q: shape, k: shape });
    const cuSeqlensQ = Int32Array.of(0, 2, 3);
    const packed = q.reshape([3, 2, 8]);
    const ways: Record<string, () => Tensor> = {
      plan: () => layers(q, (x, i) => plan.run({ q: x, ...keys[i]!, causal: true }).out),
      attention: () => layers(q, (x, i) => attention(x, keys[i]!.k, keys[i]!.v).out),
      split: () => layers(q, (x, i) => attention(x, keys[i]!.k, keys[i]!.v, { numSplits: 2 }).out),
      varlen: () =>
        layers(packed, (x, i) => {
          const [k, v] = [keys[i]!.k.reshape([3, 2, 8]), keys[i]!.v.reshape([3, 2, 8])];
          return varlenAttention(x, k, v, { cuSeqlensQ, causal: true }).out;
        }),
    };
    for (const [name, step] of Object.entries(ways)) {
      expect({ [name]: await groupsOfLastStep(() => grouped(step)) }).toEqual({ [name]: 0 });
    }
  });
});

it('a step over keys that grow makes no bind group either, and writes once', async () => {
  const q = ramp(shape, 0);
  const [k, v] = [ramp([1, 2, 90, 8], 1), ramp([1, 2, 90, 8], 2)];
  const out = gpu.empty(shape);
  const step = (keys: number): void => {
    attention(q, k.slice(2, 0, keys), v.slice(2, 0, keys), { out, numSplits: 1 });
  };
  step(1);
  await gpu.settled();
  const made = vi.spyOn(gpu.device, 'createBindGroup');
  const wrote = vi.spyOn(gpu.device.queue, 'writeBuffer');
  for (const keys of [2, 3, 40, 90]) step(keys);
  const counts = [made.mock.calls.length, wrote.mock.calls.length];
  made.mockRestore();
  wrote.mockRestore();
  expect(counts).toEqual([0, 4]);
  expect(await bits(out)).toEqual(await bits(attention(q, k, v, { numSplits: 1 }).out));
});
