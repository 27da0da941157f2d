import type { Gpu } from '@heed/core';

/** How much was compiled while a function ran. */
export interface Compiled {
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
