import type { Capabilities, Limits } from '@heed/core';

/** WebGPU's default limits, as far as kernels meet them. */
const defaults: Limits = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  maxUniformBufferBindingSize: 2 ** 16,
  maxStorageBuffersPerShaderStage: 8,
  minStorageBufferOffsetAlignment: 256,
  minUniformBufferOffsetAlignment: 256,
  maxComputeWorkgroupStorageSize: 16_384,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupSizeY: 256,
  maxComputeWorkgroupSizeZ: 64,
  maxComputeWorkgroupsPerDimension: 65_535,
};

/** A device at WebGPU's defaults, but for what a test says of it. */
export function capabilities(
  {
    subgroups,
    f16 = false,
    isFallbackAdapter = false,
    subgroupMatrix = [],
  }: Partial<{
    subgroups: Capabilities['subgroups'];
    f16: boolean;
    isFallbackAdapter: boolean;
    subgroupMatrix: Capabilities['subgroupMatrix'];
  }> = {},
  limits: Partial<Limits> = {},
): Capabilities {
  const name = 'made up';
  return {
    adapter: {
      vendor: name,
      architecture: name,
      device: name,
      description: name,
      isFallbackAdapter,
    },
    f16,
    subgroups,
    subgroupSizeControl: false,
    subgroupMatrix,
    timestampQuery: false,
    limits: { ...defaults, ...limits },
  };
}

/** Matrices of f16 with products in f32, by M×N×K. */
export function matrices(...shapes: string[]): Capabilities['subgroupMatrix'] {
  return shapes.map((shape) => {
    const [M, N, K] = shape.split('×').map(Number) as [number, number, number];
    return { componentType: 'f16', resultComponentType: 'f32', M, N, K };
  });
}

/** A device of each class that selection tells apart. */
export const devices: Readonly<Record<string, Capabilities>> = {
  'WebGPU defaults': capabilities(),
  'a fallback adapter without subgroups': capabilities({ isFallbackAdapter: true }),
  'a CPU with subgroups of 4': capabilities({ subgroups: { min: 4, max: 4 } }),
  'a CPU with subgroups of 8': capabilities({ subgroups: { min: 8, max: 8 }, f16: true }),
  'a GPU with subgroups of 32': capabilities({ subgroups: { min: 32, max: 32 }, f16: true }),
  'a GPU with subgroups of 8 to 32': capabilities({ subgroups: { min: 8, max: 32 } }),
  'a GPU with matrices': capabilities({
    subgroups: { min: 32, max: 32 },
    f16: true,
    subgroupMatrix: matrices('16×8×8', '16×16×16'),
  }),
  'a CPU with matrices': capabilities({
    subgroups: { min: 8, max: 8 },
    f16: true,
    subgroupMatrix: matrices('8×8×8'),
  }),
};
