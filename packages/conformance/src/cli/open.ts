import { type Gpu, openGpu } from '@heed/core';
import type { DeviceOptions } from '../engines/message.ts';

// Dawn crashes once the object that its `create()` returned is collected.
const kept: GPU[] = [];

/** Opens the adapter that WebGPU finds, as the command wants its device. */
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
