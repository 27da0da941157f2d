import { type Gpu, openGpu } from '@heed/core';
import type { TilePath } from '@heed/kernels-wgsl/variant';

// Keeps the result of `create()` alive: Dawn crashes if it is garbage-collected.
const kept: GPU[] = [];

/** How the device of a run is opened. */
export interface DeviceOptions {
  /** Requests no features and no raised limits. */
  readonly minimal: boolean;
  readonly path: TilePath | undefined;
}

/** Opens the adapter that WebGPU finds, with the device that the options describe. */
export async function openAdapter({ minimal, path }: DeviceOptions): Promise<Gpu> {
  const shared = {
    label: 'conformance',
    ...(path && { tuning: { version: 1, force: { path } } as const }),
  };
  if (!minimal) return openGpu(shared);
  const adapter = await (globalThis.navigator?.gpu ?? (await dawn())).requestAdapter();
  if (adapter === null)
    throw new Error('conformance: WebGPU found no adapter; `npm run conformance` looks for one');
  return openGpu({
    ...shared,
    device: await adapter.requestDevice({ label: 'conformance minimal' }),
  });
}

async function dawn(): Promise<GPU> {
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  const gpu = create([]);
  kept.push(gpu);
  return gpu;
}
