import { type Gpu, openGpu, type Tensor } from '@heed/core';
import { kernelCount } from '@heed/core/kernel';
import { planAttention } from '@heed/kernels-wgsl';
import { testGpu } from '@heed/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { bits, Source } from './data.ts';

let gpu: Gpu;
beforeAll(async () => {
  gpu = await testGpu();
});

const dense = { layout: 'dense', q: [1, 4, 70, 64], k: [1, 2, 90, 64] } as const;
const packed = { layout: 'varlen', q: [70, 4, 64], k: [90, 2, 64], numSplits: 1 } as const;

describe('plan.warmup', () => {
  it('leaves nothing to be compiled by runs', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 2 });
    await plan.warmup();
    const before = kernelCount(gpu);
    const source = new Source(gpu, 3);
    for (const lk of [1, 90, 700]) plan.run({ ...source.dense(2, 33, lk), returnLse: true });
    await gpu.settled();
    expect(kernelCount(gpu)).toBe(before);
  });

  it('not even by the gathering of lengths that are on the GPU', async () => {
    using plan = planAttention(gpu, packed);
    await plan.warmup();
    const before = kernelCount(gpu);
    const cuSeqlensK = gpu.tensor(Int32Array.of(0, 90), { shape: [2] });
    const tensors = new Source(gpu, 4).packed(70, 90);
    plan.run({ ...tensors, cuSeqlensQ: Int32Array.of(0, 70), cuSeqlensK });
    await gpu.settled();
    expect(kernelCount(gpu)).toBe(before);
  });

  it('tells how far it is, kernel by kernel', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 2 });
    const steps: [number, number, string][] = [];
    await plan.warmup({ onProgress: (...step) => steps.push(step) });
    expect(steps.map(([done, total]) => `${done}/${total}`)).toEqual(['0/3', '1/3', '2/3', '3/3']);
    const labels = steps.map(([, , label]) => label.split(' ')[0]);
    expect(labels).toEqual(['heed/forward', 'heed/combine', 'heed/gather', 'ready']);
  });

  it('may be called again, and then has nothing to do', async () => {
    using plan = planAttention(gpu, packed);
    await plan.warmup();
    const before = kernelCount(gpu);
    await plan.warmup();
    expect(kernelCount(gpu)).toBe(before);
  });

  it('stops on a signal that is aborted already, before compiling', async () => {
    using plan = planAttention(gpu, { ...dense, q: [1, 4, 1, 12], k: [1, 2, 1, 12] });
    const before = kernelCount(gpu);
    const reason = new Error('enough');
    const stopped = plan.warmup({ signal: AbortSignal.abort(reason) });
    await expect(stopped).rejects.toBe(reason);
    expect(kernelCount(gpu)).toBe(before);
  });

  it('stops between kernels, with the reason of the signal', async () => {
    using plan = planAttention(gpu, { ...dense, numSplits: 2 });
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
    using plan = planAttention(other, packed);
    const tensors = new Source(other, 5).packed(70, 90);
    const run = (): Tensor => plan.run({ ...tensors, cuSeqlensQ: Int32Array.of(0, 70) }).out;
    const warm = plan.warmup();
    const during = run();
    await warm;
    expect(await bits(during)).toEqual(await bits(run()));
  });
});
