import type { Capabilities } from '@heed/core';

/** A device without a GPU: it computes nothing, and keeps the labels of the kernels that it was given. */
export interface RecordingDevice {
  readonly device: GPUDevice;
  /** Labels of the shader modules made so far. */
  readonly compiled: string[];
}

type Described = Pick<Capabilities, 'adapter' | 'f16' | 'subgroups' | 'subgroupMatrix' | 'limits'>;

/** Makes a device with these capabilities, for `openGpu({ device })` in tests without a GPU. */
export function recordingDevice(capabilities: Described): RecordingDevice {
  const compiled: string[] = [];
  const { adapter, f16, subgroups, subgroupMatrix, limits } = capabilities;
  const features = new Set([
    ...(f16 ? ['shader-f16'] : []),
    ...(subgroups ? ['subgroups'] : []),
    ...(subgroupMatrix.length > 0 ? ['chromium-experimental-subgroup-matrix'] : []),
  ]);
  const nothing = (): void => {};
  const pipeline = ({ label }: { label: string }): object => ({ label });
  const pass = {
    setPipeline: nothing,
    setBindGroup: nothing,
    dispatchWorkgroups: nothing,
    end: nothing,
  };
  const device = {
    features,
    limits,
    adapterInfo: {
      ...adapter,
      subgroupMinSize: subgroups?.min,
      subgroupMaxSize: subgroups?.max,
      subgroupMatrixConfigs: subgroupMatrix,
    },
    lost: new Promise(nothing),
    pushErrorScope: nothing,
    popErrorScope: () => Promise.resolve(null),
    createBuffer: ({ size, usage }: GPUBufferDescriptor) => ({
      size,
      usage,
      destroy: nothing,
      unmap: nothing,
      getMappedRange: () => new ArrayBuffer(size),
    }),
    createShaderModule: ({ label = '' }: GPUShaderModuleDescriptor) => {
      compiled.push(label);
      return { label };
    },
    createBindGroupLayout: () => ({}),
    createPipelineLayout: () => ({}),
    createBindGroup: () => ({}),
    createComputePipeline: pipeline,
    createComputePipelineAsync: (descriptor: { label: string }) =>
      Promise.resolve(pipeline(descriptor)),
    createCommandEncoder: () => ({ beginComputePass: () => pass, finish: () => ({}) }),
    queue: {
      writeBuffer: nothing,
      submit: nothing,
      onSubmittedWorkDone: () => Promise.resolve(),
    },
  };
  return { device: device as unknown as GPUDevice, compiled };
}
