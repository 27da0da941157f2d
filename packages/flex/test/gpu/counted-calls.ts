import { type Gpu, openGpu } from '@heed/core';

/** How much was compiled while a function ran. */
interface Compiled {
  readonly modules: number;
  readonly pipelines: number;
}

/**
 * Counts what a function compiles. Nothing of it runs: software adapters compile a pipeline a second time when it is first
 * dispatched, which takes them seconds and is not counted here.
 */
export async function compiledBy(gpu: Gpu, run: () => unknown): Promise<Compiled> {
  const { device } = gpu;
  const { queue } = device;
  const [createModule, create, createAsync, submit] = [
    device.createShaderModule.bind(device),
    device.createComputePipeline.bind(device),
    device.createComputePipelineAsync.bind(device),
    queue.submit.bind(queue),
  ];
  let [modules, pipelines] = [0, 0];
  device.createShaderModule = (o) => (modules++, createModule(o));
  device.createComputePipeline = (o) => (pipelines++, create(o));
  device.createComputePipelineAsync = (o) => (pipelines++, createAsync(o));
  queue.submit = () => undefined;
  try {
    await run();
  } finally {
    device.createShaderModule = createModule;
    device.createComputePipeline = create;
    device.createComputePipelineAsync = createAsync;
    queue.submit = submit;
  }
  return { modules, pipelines };
}

/** Bytes of the buffers that heed has made and not destroyed. */
interface Allocated {
  /** A Gpu of its own on the same device, so that no memory is left over from before. */
  readonly gpu: Gpu;
  readonly bytes: () => number;
}

/**
 * Counts what is allocated while a function runs. Nothing of it runs on the device: what heed allocates does not depend on
 * what kernels compute.
 */
export async function countingBytes<T>(
  { device }: Gpu,
  run: (allocated: Allocated) => T,
): Promise<T> {
  const { queue } = device;
  const [createBuffer, submit] = [device.createBuffer.bind(device), queue.submit.bind(queue)];
  let bytes = 0;
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer(descriptor);
    const destroy = buffer.destroy.bind(buffer);
    bytes += descriptor.size;
    buffer.destroy = () => {
      bytes -= descriptor.size;
      destroy();
    };
    return buffer;
  };
  queue.submit = () => undefined;
  const gpu = await openGpu({ device });
  try {
    return run({ gpu, bytes: () => bytes });
  } finally {
    gpu.dispose();
    device.createBuffer = createBuffer;
    queue.submit = submit;
  }
}
