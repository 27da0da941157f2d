import {
  CompileError,
  DeviceLostError,
  type Gpu,
  GpuError,
  type HeedError,
  openGpu,
  type Tensor,
} from '@heed/core';
import { bindTensor, dispatch, getKernel, getKernelAsync } from '@heed/core/kernel';
import { testGpu, testTier } from '@heed/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { add, brokenSource, newDevice } from './device-fixtures.ts';

describe('a kernel that does not compile', () => {
  it('rejects read and settled once, with its source, and is thrown from then on', async () => {
    const gpu = await testGpu();
    const source = brokenSource('sync');
    const out = gpu.empty([1]);
    dispatch(gpu, {
      kernel: getKernel(gpu, source),
      buffers: [bindTensor(out).range],
      workgroups: [1, 1, 1],
    });
    const [read, settled] = await Promise.allSettled([out.read(), gpu.settled()]);
    expect(read).toMatchObject({ status: 'rejected', reason: expect.any(CompileError) });
    expect(settled).toMatchObject({ status: 'rejected', reason: expect.any(CompileError) });
    const { message, line, column } = (read as PromiseRejectedResult).reason as CompileError;
    expect({ line, column }).toEqual({ line: 3, column: 48 });
    expect(message).toContain('refused kernel "broken sync"');
    expect(message).toMatch(/3:\d+ error: /);
    expect(message).toContain('3 | @compute @workgroup_size(1) fn main() { x[0] = ; }');
    await gpu.settled();
    expect(() => getKernel(gpu, source)).toThrow(CompileError);
    await expect(getKernelAsync(gpu, source)).rejects.toThrow(CompileError);
  });

  it('rejects getKernelAsync and nothing else', async () => {
    const gpu = await testGpu();
    await expect(getKernelAsync(gpu, brokenSource('async'))).rejects.toThrow(
      /refused kernel "broken async"[^]*3 \| @compute/,
    );
    await gpu.settled();
  });

  it('is reported where the fault lies in the pipeline, not in the text', async () => {
    const gpu = await testGpu();
    const bytes = gpu.device.limits.maxComputeWorkgroupStorageSize + 16;
    const code = `var<workgroup> w: array<u32, ${bytes / 4}>;\n@compute @workgroup_size(1) fn main() { w[0] = 1u; }`;
    await expect(getKernelAsync(gpu, { label: 'greedy', bindings: [], code })).rejects.toThrow(
      CompileError,
    );
    getKernel(gpu, { label: 'greedy', bindings: [], code: `${code}\n` });
    await expect(gpu.settled()).rejects.toThrow(/refused kernel "greedy"/);
  });
});

describe('what only the GPU finds', () => {
  it('rejects read and settled, then is forgotten', async () => {
    const gpu = await testGpu();
    const buffer = gpu.device.createBuffer({ label: 'theirs', size: 16, usage: 0x80 });
    const x = gpu.wrap(buffer, { shape: [4], dtype: 'f32' });
    buffer.destroy();
    // Engines check a buffer when it is bound or when the work is submitted, so the error names the kernel or its call.
    const out = add(gpu, x, 1);
    await expect(out.read()).rejects.toThrow(GpuError);
    await gpu.settled();
    add(gpu, x, 2);
    await expect(gpu.settled()).rejects.toThrow(
      /add( 2)?: the GPU found an error \(validation\).*theirs/s,
    );
    expect(await add(gpu, gpu.tensor([1], { shape: [1] }), 1).read()).toEqual(
      new Float32Array([2]),
    );
  });

  it('rejects the read of a buffer that its owner destroyed', async () => {
    const gpu = await testGpu();
    const buffer = gpu.device.createBuffer({ size: 16, usage: 0x84 });
    const x = gpu.wrap(buffer, { shape: [4], dtype: 'f32' });
    buffer.destroy();
    await expect(x.read()).rejects.toThrow(GpuError);
  });
});

describe('what nobody awaits', () => {
  const tick = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

  /** A caller's Gpu, the errors that its onError or the console received, and those that the caller's device raised. */
  async function watched(own: boolean): Promise<{ gpu: Gpu; told: unknown[]; raised: GPUError[] }> {
    const told: unknown[] = [];
    const raised: GPUError[] = [];
    const device = await newDevice();
    device.addEventListener('uncapturederror', (event) => {
      event.preventDefault();
      raised.push(event.error);
    });
    const onError = (error: HeedError): void => void told.push(error);
    if (!own) vi.spyOn(console, 'error').mockImplementation((error) => void told.push(error));
    return { gpu: await openGpu({ device, ...(own && { onError }) }), told, raised };
  }

  function destroyed(gpu: Gpu): Tensor {
    const buffer = gpu.device.createBuffer({ label: 'theirs', size: 16, usage: 0x80 });
    const x = gpu.wrap(buffer, { shape: [4], dtype: 'f32' });
    buffer.destroy();
    return x;
  }

  afterEach(() => void vi.restoreAllMocks());

  it.each([
    ['onError', true],
    ['the console', false],
  ])('is told to %s, once, with no error scope or event of the caller’s', async (_, own) => {
    const { gpu, told, raised } = await watched(own);
    gpu.device.pushErrorScope('validation');
    const out = add(gpu, destroyed(gpu), 1);
    expect(await gpu.device.popErrorScope()).toBeNull();
    await vi.waitUntil(() => told.length > 0);
    await tick(20);
    expect(told).toEqual([expect.any(GpuError)]);
    expect(String(told[0])).toMatch(/add( 1)?: the GPU found an error \(validation\).*theirs/s);
    expect(raised).toEqual([]);
    await expect(out.read()).rejects.toBe(told[0]);
  });

  it('is told once for a buffer of another device, and again for another call', async () => {
    const { gpu, told } = await watched(true);
    const other = await newDevice();
    const buffer = other.createBuffer({ size: 16, usage: 0x80 });
    const x = gpu.wrap(buffer, { shape: [4], dtype: 'f32' });
    const out = gpu.empty([4]);
    add(gpu, x, 1, out);
    await vi.waitUntil(() => told.length > 0);
    await tick(20);
    expect(told).toHaveLength(1);
    add(gpu, x, 1, out);
    await vi.waitUntil(() => told.length > 1);
    await expect(gpu.settled()).rejects.toBe(told[0]);
  });

  it('is not told where it is awaited, and leaves the caller’s own errors to the caller', async () => {
    const { gpu, told, raised } = await watched(true);
    await expect(add(gpu, destroyed(gpu), 1).read()).rejects.toThrow(GpuError);
    gpu.device.createBuffer({ size: 16, usage: 0 });
    await gpu.settled();
    await vi.waitUntil(() => raised.length > 0);
    await tick(20);
    expect(told).toEqual([]);
  });
});

describe('read', () => {
  it('rejects with the reason of an abort, before or while waiting, and works again', async () => {
    const gpu = await testGpu();
    const t = gpu.tensor([1], { shape: [1] });
    await expect(t.read({ signal: AbortSignal.abort(new Error('early')) })).rejects.toThrow(
      'early',
    );
    const controller = new AbortController();
    const reading = t.read({ signal: controller.signal });
    controller.abort(new Error('late'));
    await expect(reading).rejects.toThrow('late');
    expect(await t.read({ signal: new AbortController().signal })).toEqual(new Float32Array([1]));
  });

  it('serves many at a time', async () => {
    const gpu = await testGpu();
    const tensors = Array.from({ length: 20 }, (_, i) => gpu.tensor([i], { shape: [1] }));
    const values = await Promise.all(tensors.map((t) => t.read()));
    expect(values.map((v) => v[0])).toEqual(tensors.map((_, i) => i));
  });
});

describe('a lost device', () => {
  it('rejects pending work and every later call', async () => {
    const device = await newDevice();
    const gpu = await openGpu({ device });
    const t = gpu.tensor(new Float32Array(1000), { shape: [1000] });
    const pending = [add(gpu, t, 1).read(), gpu.settled(), gpu.profile(() => add(gpu, t, 1))];
    device.destroy();
    const rejected = { status: 'rejected', reason: expect.any(DeviceLostError) };
    const [read, ...others] = await Promise.allSettled(pending);
    expect(read).toMatchObject(rejected);
    // Firefox reports the work of a destroyed device as done before it announces the loss.
    if (testTier() !== 'gpu-firefox') expect(others).toMatchObject([rejected, rejected]);
    const lost = await gpu.lost;
    expect(lost).toBeInstanceOf(DeviceLostError);
    expect(lost.reason).toBe('destroyed');
    expect(lost.message).toContain('Open a new Gpu');
    await expect(t.read()).rejects.toBe(lost);
    await expect(gpu.settled()).rejects.toBe(lost);
    await expect(gpu.profile(() => 1)).rejects.toBe(lost);
    await expect(getKernelAsync(gpu, brokenSource('lost'))).rejects.toBe(lost);
    expect(() => gpu.tensor([1], { shape: [1] })).toThrow(lost);
    expect(() => gpu.empty([1])).toThrow(lost);
    expect(() => gpu.batch(() => 1)).toThrow(lost);
    expect(() => bindTensor(t)).toThrow(lost);
    t.dispose();
    gpu.dispose();
  });

  it('rejects a compilation under way with the loss, not with a compile error', async () => {
    const device = await newDevice();
    const gpu = await openGpu({ device });
    const compiling = getKernelAsync(gpu, {
      label: 'k',
      bindings: [],
      code: '@compute @workgroup_size(1) fn main() {}',
    });
    device.destroy();
    // It may also have been done before the loss.
    const outcome = await compiling.then(
      () => 'done',
      (error: unknown) => (error instanceof DeviceLostError ? 'lost' : error),
    );
    expect(['done', 'lost']).toContain(outcome);
  });
});
