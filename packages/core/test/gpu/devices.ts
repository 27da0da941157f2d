import { openGpu, type Gpu, type OpenGpuOptions } from '@heed/core';

// Dawn's object must outlive everything made from it.
let dawn: GPU | undefined;

async function findGpu(): Promise<GPU> {
  if (globalThis.navigator?.gpu !== undefined) return navigator.gpu;
  const { create } = await import('webgpu');
  dawn ??= create([]);
  return dawn;
}

export async function newAdapter(): Promise<GPUAdapter> {
  const adapter = await (await findGpu()).requestAdapter();
  if (adapter === null) throw new Error('no WebGPU adapter');
  return adapter;
}

/** A device at WebGPU's defaults, made the way a caller of heed would. */
export async function newDevice(descriptor: GPUDeviceDescriptor = {}): Promise<GPUDevice> {
  return (await newAdapter()).requestDevice(descriptor);
}

/** A Gpu over a device that the caller keeps. */
export async function injectedGpu(options: OpenGpuOptions = {}): Promise<Gpu> {
  return openGpu({ device: await newDevice(), ...options });
}
