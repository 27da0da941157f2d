import { openGpu, UnsupportedError, ValidationError } from '@heed/core';
import { testGpu } from '@heed/testing';
import { describe, expect, it } from 'vitest';
import { injectedGpu, newAdapter, newDevice } from './device-fixtures.ts';

describe('openGpu', { tags: ['device'] }, () => {
  it('asks the adapter for its real limits and every feature that heed can use', async () => {
    const adapter = await newAdapter();
    using gpu = await openGpu({ adapter, label: 'mine' });
    expect(gpu.label).toBe('mine');
    expect(gpu.device.label).toBe('mine');
    expect(gpu.device.limits.maxBufferSize).toBe(adapter.limits.maxBufferSize);
    expect(gpu.capabilities.limits.maxComputeWorkgroupStorageSize).toBe(
      adapter.limits.maxComputeWorkgroupStorageSize,
    );
    for (const feature of ['shader-f16', 'subgroups', 'timestamp-query']) {
      expect([feature, gpu.device.features.has(feature)]).toEqual([
        feature,
        adapter.features.has(feature),
      ]);
    }
  });

  it('finds a GPU by itself', async () => {
    using gpu = await openGpu();
    expect(await gpu.tensor([1, 2], { shape: [2] }).read()).toEqual(new Float32Array([1, 2]));
  });

  it('reports the device that it was given, not its adapter', async () => {
    const gpu = await injectedGpu();
    const { capabilities } = gpu;
    expect(capabilities).toMatchObject({
      f16: false,
      subgroups: undefined,
      subgroupSizeControl: false,
      subgroupMatrix: [],
      timestampQuery: false,
    });
    expect(capabilities.limits).toMatchObject({
      maxStorageBuffersPerShaderStage: 8,
      maxStorageBufferBindingSize: 128 * 2 ** 20,
      maxComputeWorkgroupStorageSize: 16384,
      maxComputeInvocationsPerWorkgroup: 256,
      maxComputeWorkgroupsPerDimension: 65535,
    });
    // Firefox names nothing.
    const { vendor, description } = gpu.device.adapterInfo;
    expect(capabilities.adapter).toMatchObject({ vendor, description });
  });

  it('knows the features of WGSL of a device that heed opened', async () => {
    const { device, capabilities } = await testGpu();
    using again = await openGpu({ device });
    expect(again.capabilities.integerDots).toBe(capabilities.integerDots);
  });

  it('gives capabilities as plain data', async () => {
    const { capabilities } = await testGpu();
    // JSON leaves out what is undefined.
    expect(JSON.parse(JSON.stringify(capabilities))).toEqual(
      Object.fromEntries(Object.entries(capabilities).filter(([, value]) => value !== undefined)),
    );
  });

  it('tells the range of subgroup sizes where the device has subgroups', async () => {
    const adapter = await newAdapter();
    if (!adapter.features.has('subgroups')) return;
    const device = await adapter.requestDevice({ requiredFeatures: ['subgroups'] });
    const { subgroups } = (await openGpu({ device })).capabilities;
    expect(subgroups).toEqual({
      min: adapter.info.subgroupMinSize,
      max: adapter.info.subgroupMaxSize,
    });
  });

  it('destroys its own device, once', async () => {
    const gpu = await openGpu();
    gpu.dispose();
    gpu.dispose();
    expect((await gpu.device.lost).reason).toBe('destroyed');
    const lost = await gpu.lost;
    expect(lost.reason).toBe('destroyed');
    expect(lost.message).toContain('gpu.dispose() was called');
    expect(() => gpu.empty([1])).toThrow('heed: Gpu "heed" was disposed. Open a new one');
  });

  it('never destroys a device that it was given', async () => {
    const device = await newDevice();
    const gpu = await openGpu({ device });
    gpu.tensor([1], { shape: [1] });
    gpu.dispose();
    const again = await openGpu({ device });
    expect(await again.tensor([1], { shape: [1] }).read()).toEqual(new Float32Array([1]));
  });

  it('keeps the tuning it was given', async () => {
    const tuning = { version: 1, force: { path: 'portable' } } as const;
    expect((await injectedGpu({ tuning })).tuning).toEqual(tuning);
    expect((await injectedGpu()).tuning).toBeUndefined();
  });

  it('refuses a tuning of another version', async () => {
    await expect(injectedGpu({ tuning: { version: 2 } as never })).rejects.toThrow(
      'openGpu: tuning.version must be 1; got 2.',
    );
  });

  it.each([
    [null, 'options must be an object; got null'],
    [{ onError: 1 }, 'onError must be a function; got 1'],
    [{ label: 1 }, 'label must be a string; got 1'],
    [
      { powerPreference: 'low' },
      "powerPreference must be 'low-power' or 'high-performance'; got 'low'",
    ],
    [{ tuning: null }, 'tuning.version must be 1; got undefined'],
    // requestAdapter() resolves to null without an adapter; heed must not take another one.
    [{ adapter: null }, "adapter must be WebGPU's; got null"],
    [{ device: null }, "device must be WebGPU's; got null"],
    [{ gpu: {} }, "gpu must be WebGPU's; got Object"],
  ])('refuses %j', async (options, message) => {
    await expect(openGpu(options as never)).rejects.toThrow(`openGpu: ${message}`);
  });

  it('refuses what is no device', async () => {
    await expect(openGpu({ device: {} as GPUDevice })).rejects.toThrow(ValidationError);
  });

  it('says what to do where there is no adapter', async () => {
    const gpu = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
    const opened = openGpu({ gpu });
    await expect(opened).rejects.toThrow(UnsupportedError);
    await expect(opened).rejects.toThrow(
      /found no adapter.*install a Vulkan driver.*or pass \{ device \}/,
    );
  });

  it('passes the power preference on', async () => {
    let asked: unknown;
    const gpu = {
      requestAdapter: (options: unknown) => {
        asked = options;
        return Promise.resolve(null);
      },
    } as unknown as GPU;
    await openGpu({ gpu, powerPreference: 'low-power' }).catch(() => {});
    expect(asked).toEqual({ powerPreference: 'low-power' });
  });
});

interface Runtime {
  readonly process?: { getBuiltinModule(name: string): unknown };
}

/** Runs a full garbage collection in Node. */
function collectGarbage(): void {
  const { process } = globalThis as Runtime;
  const v8 = process?.getBuiltinModule('v8') as { setFlagsFromString(flags: string): void };
  const vm = process?.getBuiltinModule('vm') as { runInNewContext(code: string): () => void };
  v8.setFlagsFromString('--expose-gc');
  vm.runInNewContext('gc')();
}

describe.runIf((globalThis as Runtime).process?.getBuiltinModule !== undefined)('in Node', () => {
  it('keeps what the device was made from alive', async () => {
    using gpu = await openGpu();
    for (let i = 0; i < 5; i++) {
      collectGarbage();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    expect(await gpu.tensor([3], { shape: [1] }).read()).toEqual(new Float32Array([3]));
  });

  it('puts nothing on globalThis', async () => {
    const before = Object.getOwnPropertyNames(globalThis);
    using gpu = await openGpu();
    await gpu.tensor([1], { shape: [1] }).read();
    expect(Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name))).toEqual(
      [],
    );
  });
});
