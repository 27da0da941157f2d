import { afterEach, describe, expect, it, vi } from 'vitest';
import { openGpu } from '../../src/device/open-gpu.ts';
import { readCapabilities } from '../../src/text/capabilities.ts';
import { UnsupportedError } from '../../src/text/errors.ts';

const matrix = { componentType: 'f16', resultComponentType: 'f32', M: 16, N: 8, K: 4 };

interface DeviceParts {
  readonly features?: string[];
  readonly info?: object;
}

function fakeDevice({ features = [], info }: DeviceParts): GPUDevice {
  return {
    features: new Set(features),
    limits: { maxBufferSize: 7 },
    ...(info ? { adapterInfo: info } : {}),
  } as unknown as GPUDevice;
}

/** Fields on the prototype, as WebGPU's own objects have them. */
function hostObject(fields: object): object {
  return Object.create(fields) as object;
}

describe('readCapabilities', () => {
  it('copies only what the device has', () => {
    const device = fakeDevice({
      features: ['shader-f16', 'subgroups', 'timestamp-query'],
      info: hostObject({ vendor: 'v', description: 'd', subgroupMinSize: 8, subgroupMaxSize: 16 }),
    });
    expect(readCapabilities(device)).toMatchObject({
      adapter: {
        vendor: 'v',
        architecture: '',
        device: '',
        description: 'd',
        isFallbackAdapter: false,
      },
      f16: true,
      subgroups: { min: 8, max: 16 },
      subgroupSizeControl: false,
      subgroupMatrix: [],
      timestampQuery: true,
      limits: { maxBufferSize: 7 },
    });
  });

  it('takes the features of WGSL from where the device comes from', () => {
    const device = fakeDevice({ features: [], info: {} });
    const language = new Set(['packed_4x8_integer_dot_product']);
    expect(readCapabilities(device, { language }).integerDots).toBe(true);
    expect(readCapabilities(device, { language: new Set() }).integerDots).toBe(false);
    expect(readCapabilities(device).integerDots).toBe(false);
  });

  it('assumes the widest range of subgroup sizes where none is told', () => {
    const device = fakeDevice({ features: ['subgroups'], info: {} });
    expect(readCapabilities(device).subgroups).toEqual({ min: 4, max: 128 });
  });

  it('takes matrix configurations from the adapter where the device lists none', () => {
    const features = ['chromium-experimental-subgroup-matrix'];
    const subgroupMatrixConfigs = [hostObject(matrix) as typeof matrix];
    const device = fakeDevice({ features, info: { subgroupMatrixConfigs: [] } });
    expect(
      readCapabilities(device, { adapterInfo: { subgroupMatrixConfigs } }).subgroupMatrix,
    ).toEqual([matrix]);
    expect(readCapabilities(device).subgroupMatrix).toEqual([]);
    const complete = fakeDevice({ features, info: { subgroupMatrixConfigs } });
    expect(readCapabilities(complete).subgroupMatrix).toEqual([matrix]);
  });

  it('lists no matrix configurations for a device without the feature', () => {
    const device = fakeDevice({ info: { subgroupMatrixConfigs: [matrix] } });
    expect(readCapabilities(device).subgroupMatrix).toEqual([]);
  });
});

afterEach(() => {
  vi.doUnmock('webgpu');
});

it('says what to do where there is no WebGPU at all', async () => {
  vi.doMock('webgpu', () => {
    throw new Error('not installed');
  });
  const error: unknown = await openGpu().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(UnsupportedError);
  expect(String(error)).toMatch(
    /openGpu: there is no WebGPU here.*in Node, npm install webgpu; or pass \{ device \}/,
  );
  expect((error as Error).cause).toBeDefined();
});
