import { type Gpu, openGpu, type Tensor } from '@heed/core';
import { kernelCount } from '@heed/core/kernel';
import {
  attention,
  type AttentionProblem,
  type AttentionTensors,
  planAttention,
  varlenAttention,
} from '@heed/kernels-wgsl';
import { bits, TensorSource, testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';

const denseShapes = { layout: 'dense', q: [1, 4, 70, 64], k: [1, 2, 90, 64] } as const;
const packedShapes = { layout: 'varlen', q: [70, 4, 64], k: [90, 2, 64], numSplits: 1 } as const;

describe('plan.warmup', () => {
  it('leaves nothing to be compiled by runs', async () => {
    using plan = planAttention(gpu, { ...denseShapes, numSplits: 2 });
    await plan.warmup();
    const before = kernelCount(gpu);
    const source = new TensorSource(gpu, 3, 64);
    for (const lk of [1, 90, 700]) plan.run({ ...source.dense(2, 33, lk), returnLse: true });
    await gpu.settled();
    expect(kernelCount(gpu)).toBe(before);
  });

  it('not even by the gathering of lengths that are on the GPU', async () => {
    using plan = planAttention(gpu, packedShapes);
    await plan.warmup();
    const before = kernelCount(gpu);
    const cuSeqlensK = gpu.tensor(Int32Array.of(0, 90), { shape: [2] });
    const tensors = new TensorSource(gpu, 4, 64).packed(70, 90);
    plan.run({ ...tensors, cuSeqlensQ: Int32Array.of(0, 70), cuSeqlensK });
    await gpu.settled();
    expect(kernelCount(gpu)).toBe(before);
  });

  it('tells how far it is, kernel by kernel', async () => {
    using plan = planAttention(gpu, { ...denseShapes, numSplits: 2 });
    const steps: [number, number, string][] = [];
    await plan.warmup({ onProgress: (...step) => steps.push(step) });
    expect(steps.map(([done, total]) => `${done}/${total}`)).toEqual(['0/3', '1/3', '2/3', '3/3']);
    const labels = steps.map(([, , label]) => label.split(' ')[0]);
    expect(labels).toEqual(['heed/forward', 'heed/combine', 'heed/gather', 'ready']);
  });

  it('may be called again, and then has nothing to do', async () => {
    using plan = planAttention(gpu, packedShapes);
    await plan.warmup();
    const before = kernelCount(gpu);
    await plan.warmup();
    expect(kernelCount(gpu)).toBe(before);
  });

  it('stops on a signal that is aborted already, before compiling', async () => {
    using plan = planAttention(gpu, { ...denseShapes, q: [1, 4, 1, 12], k: [1, 2, 1, 12] });
    const before = kernelCount(gpu);
    const reason = new Error('enough');
    const stopped = plan.warmup({ signal: AbortSignal.abort(reason) });
    await expect(stopped).rejects.toBe(reason);
    expect(kernelCount(gpu)).toBe(before);
  });

  it('stops between kernels, with the reason of the signal', async () => {
    using plan = planAttention(gpu, { ...denseShapes, numSplits: 2 });
    const control = new AbortController();
    const seen: number[] = [];
    const onProgress = (done: number): void => {
      seen.push(done);
      if (done === 1) control.abort('enough');
    };
    const stopped = plan.warmup({ signal: control.signal, onProgress });
    await expect(stopped).rejects.toBe('enough');
    expect(seen).toEqual([0, 1]);
  });

  it('leaves alone what is dispatched meanwhile', async () => {
    using other = await openGpu({ device: gpu.device, label: 'sibling' });
    using plan = planAttention(other, packedShapes);
    const tensors = new TensorSource(other, 5, 64).packed(70, 90);
    const run = (): Tensor => plan.run({ ...tensors, cuSeqlensQ: Int32Array.of(0, 70) }).out;
    const warm = plan.warmup();
    const during = run();
    await warm;
    expect(await bits(during)).toEqual(await bits(run()));
  });
});

let gpu: Gpu;
let source: TensorSource;
beforeAll(async () => {
  gpu = await testGpu();
  source = new TensorSource(gpu, 1, 64);
});

const dense: AttentionProblem = {
  layout: 'dense',
  q: [2, 4, 70, 64],
  k: [2, 2, 90, 64],
  numSplits: 1,
};
const packed: AttentionProblem = {
  layout: 'varlen',
  q: [70, 4, 64],
  k: [90, 2, 64],
  numSplits: 1,
};

describe('plan.run', () => {
  it('gives the bits of the plain call', async () => {
    const tensors = source.dense(2, 70, 90);
    using plan = planAttention(gpu, dense);
    const options = { causal: true, returnLse: true } as const;
    const planned = plan.run({ ...tensors, ...options });
    const { q, k, v } = tensors;
    const plain = attention(q, k, v, { ...options, numSplits: 1 });
    expect(await bits(planned.out, planned.lse)).toEqual(await bits(plain.out, plain.lse));
  });

  it('splits as planned, without being told again', async () => {
    const { q, k, v } = source.dense(1, 3, 200);
    using plan = planAttention(gpu, { ...dense, numSplits: 3 });
    const planned = plan.run({ q, k, v, returnLse: true });
    const plain = attention(q, k, v, { returnLse: true, numSplits: 3 });
    expect(await bits(planned.out, planned.lse)).toEqual(await bits(plain.out, plain.lse));
  });

  it('writes into out, and returns it', async () => {
    const tensors = source.dense(1, 20, 20);
    using plan = planAttention(gpu, dense);
    const out = gpu.empty(tensors.q.shape);
    expect(plan.run({ ...tensors, out }).out).toBe(out);
    expect(await bits(out)).toEqual(await bits(plan.run(tensors).out));
  });
});

/** What a run may bring along: data, all of it. */
const densely: Readonly<Record<string, Partial<AttentionTensors>>> = {
  'another scale': { scale: 0.3 },
  causal: { causal: true },
  'a window': { window: [7, 2] },
  'a diagonal from the start': { window: [-1, 5], align: 'start' },
  'an lse': { returnLse: true },
  'used lengths': { seqUsedK: Int32Array.of(90, 0) },
};

describe('no run after the first compiles anything', () => {
  it('for other option values', async () => {
    const tensors = source.dense(2, 70, 90);
    using plan = planAttention(gpu, dense);
    plan.run(tensors);
    const before = kernelCount(gpu);
    const sinks = source.normal([4]);
    for (const change of [...Object.values(densely), { sinks }])
      plan.run({ ...tensors, ...change });
    await gpu.settled();
    expect(kernelCount(gpu)).toBe(before);
  });

  it('for other sizes, and empty ones', async () => {
    using plan = planAttention(gpu, dense);
    plan.run(source.dense(2, 70, 90));
    const before = kernelCount(gpu);
    for (const [b, lq, lk] of [
      [1, 1, 1],
      [3, 33, 500],
      [2, 5, 0],
      [0, 4, 4],
      [1, 0, 9],
    ] as const) {
      expect(plan.run(source.dense(b, lq, lk)).out.shape).toEqual([b, 4, lq, 64]);
    }
    await gpu.settled();
    expect(kernelCount(gpu)).toBe(before);
  });

  it('for other softcaps and slopes', async () => {
    const tensors = source.dense(1, 40, 40);
    using plan = planAttention(gpu, { ...dense, softcap: true, alibiSlopes: true });
    const run = (softcap: number, slopes: readonly number[]): unknown =>
      plan.run({ ...tensors, softcap, alibiSlopes: gpu.tensor(slopes, { shape: [4] }) });
    run(30, [0.5, 0.25, 0.125, 0.0625]);
    const before = kernelCount(gpu);
    run(2, [1, 2, 3, 4]);
    await gpu.settled();
    expect(kernelCount(gpu)).toBe(before);
  });

  it('for other cumulative lengths, and other tables of them', async () => {
    const tensors = source.packed(70, 90);
    using plan = planAttention(gpu, packed);
    const run = (...cuSeqlensQ: number[]): unknown => {
      const cu = Int32Array.from(cuSeqlensQ);
      return plan.run({ ...tensors, cuSeqlensQ: cu, cuSeqlensK: cu });
    };
    run(0, 33, 70);
    const before = kernelCount(gpu);
    for (const list of [[0], [0, 70], [0, 0, 1, 1, 64, 70], [0, 5]]) run(...list);
    await gpu.settled();
    expect(kernelCount(gpu)).toBe(before);
  });
});

describe('a plain call', () => {
  it('shares its kernel with the plan, and with calls of other options', () => {
    const { q, k, v } = source.dense(2, 70, 90);
    using plan = planAttention(gpu, dense);
    plan.run({ q, k, v });
    const before = kernelCount(gpu);
    for (const change of Object.values(densely)) attention(q, k, v, { ...change, numSplits: 1 });
    attention(q, k, v, { causal: false, window: [-1, -1], numSplits: 1 });
    expect(kernelCount(gpu)).toBe(before);
  });

  it('does so when packed', () => {
    const { q, k, v } = source.packed(20, 20);
    using plan = planAttention(gpu, packed);
    plan.run({ q, k, v, cuSeqlensQ: Int32Array.of(0, 20) });
    const before = kernelCount(gpu);
    varlenAttention(q, k, v, { cuSeqlensQ: Int32Array.of(0, 3, 20), causal: true, numSplits: 1 });
    expect(kernelCount(gpu)).toBe(before);
  });
});
