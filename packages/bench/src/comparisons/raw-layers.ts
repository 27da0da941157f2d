import type { Gpu } from '@heed/core';
import { planAttention } from '@heed/kernels-wgsl';

/** Number of layers per batch; each has its own keys and its own output. */
export const LAYERS = 32;

/** One way to dispatch the layers of a model. */
export interface Layers {
  readonly call: (layer: number) => void;
  /** All layers in one submit. */
  readonly batch: () => void;
  readonly dispose: () => void;
}

const UNIFORM_BYTES = 256;
const STAGE_COMPUTE = 4;
const STORAGE = 0x80;
const UNIFORM_COPY_DST = 0x48;

type BindingType = GPUBufferBindingType;

/**
 * The same work through WebGPU alone: parameters written, pipeline and bind group set, dispatched, submitted.
 * @param keeps creates bind groups once, not per dispatch
 */
export function rawLayers(gpu: Gpu, keeps: boolean): Layers {
  const { device } = gpu;
  const { pipeline, layout, bytes } = rawKernel(gpu);
  const buffer = (usage: number, size: number): GPUBuffer => device.createBuffer({ size, usage });
  const params = buffer(UNIFORM_COPY_DST, LAYERS * UNIFORM_BYTES);
  const shared = Array.from({ length: 4 }, () => buffer(STORAGE, 256));
  const own = Array.from({ length: LAYERS }, () =>
    Array.from({ length: 4 }, () => buffer(STORAGE, 256)),
  );
  const words = new Uint8Array(LAYERS * UNIFORM_BYTES);
  for (let i = 0; i < LAYERS; i++) words.set(bytes, i * UNIFORM_BYTES);
  const group = (layer: number): GPUBindGroup => {
    const offset = layer * UNIFORM_BYTES;
    const resources = [...shared, ...own[layer]!].map((one) => ({
      buffer: one,
      offset: 0,
      size: 256,
    }));
    const all = [...resources, { buffer: params, offset, size: UNIFORM_BYTES }];
    const entries = all.map((resource, binding) => ({ binding, resource }));
    return device.createBindGroup({ layout, entries });
  };
  const groups = Array.from({ length: LAYERS }, (_, layer) => group(layer));
  const encode = (pass: GPUComputePassEncoder, layer: number): void => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, keeps ? groups[layer]! : group(layer));
    pass.dispatchWorkgroups(1, 1, 1);
  };
  const submit = (
    offset: number,
    size: number,
    record: (pass: GPUComputePassEncoder) => void,
  ): void => {
    device.queue.writeBuffer(params, offset, words, offset, size);
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    record(pass);
    pass.end();
    device.queue.submit([encoder.finish()]);
  };
  return {
    call: (layer: number) => {
      submit(layer * UNIFORM_BYTES, UNIFORM_BYTES, (pass) => encode(pass, layer));
    },
    batch: () => {
      submit(0, LAYERS * UNIFORM_BYTES, (pass) =>
        groups.forEach((_, layer) => encode(pass, layer)),
      );
    },
    dispose: () => [params, ...shared, ...own.flat()].forEach((one) => one.destroy()),
  };
}

interface RawKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  /** The parameters of the layer's kernel. */
  readonly bytes: Uint8Array;
}

function rawKernel(gpu: Gpu): RawKernel {
  const { device } = gpu;
  const shape = [1, 1, 1, 64];
  using plan = planAttention(gpu, { layout: 'dense', q: shape, k: shape });
  using x = gpu.tensor(new Float32Array(64), { shape });
  const bytes = lastUpload(device.queue, () => plan.run({ q: x, k: x, v: x }).out.dispose());
  const types: readonly BindingType[] = [
    ...Array.from({ length: 6 }, (): BindingType => 'read-only-storage'),
    'storage',
    'storage',
    'uniform',
  ];
  const layout = device.createBindGroupLayout({
    entries: types.map((type, binding) => ({
      binding,
      visibility: STAGE_COMPUTE,
      buffer: { type },
    })),
  });
  const pipeline = device.createComputePipeline({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module: device.createShaderModule({ code: plan.wgsl }), entryPoint: 'main' },
  });
  return { pipeline, layout, bytes };
}

/** Returns the words that `run` writes last to a buffer. */
function lastUpload(queue: GPUQueue, run: () => void): Uint8Array {
  const { writeBuffer } = queue;
  let bytes = new Uint8Array();
  queue.writeBuffer = (buffer, offset, data, from = 0, size = 0) => {
    const words = data as Uint32Array<ArrayBuffer>;
    bytes = new Uint8Array(words.slice(from, from + size).buffer);
    return writeBuffer.call(queue, buffer, offset, words, from, size);
  };
  run();
  queue.writeBuffer = writeBuffer;
  return bytes;
}
