import { STAGE_COMPUTE } from '../buffers/usage.ts';
import { LimitError } from '../errors.ts';
import type { BindingKind, KernelSource } from './kernel.ts';

/** How kernels with the same kinds of bindings are bound. */
export interface KernelLayout {
  readonly bindGroup: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
}

const layouts = new WeakMap<GPUDevice, Map<string, KernelLayout>>();

const bufferTypes: Record<BindingKind, GPUBufferBindingType> = {
  read: 'read-only-storage',
  write: 'storage',
  uniform: 'uniform',
};

/**
 * The layout of a kernel, shared by all with its kinds of bindings.
 * @throws LimitError more storage buffers than the device binds
 */
export function layoutOf(device: GPUDevice, { label, bindings }: KernelSource): KernelLayout {
  let known = layouts.get(device);
  if (!known) layouts.set(device, (known = new Map()));
  const key = bindings.join();
  let layout = known.get(key);
  if (!layout) {
    checkStorageBuffers(device, label, bindings);
    known.set(key, (layout = makeLayout(device, `heed ${key}`, bindings)));
  }
  return layout;
}

function checkStorageBuffers(
  device: GPUDevice,
  label: string,
  bindings: readonly BindingKind[],
): void {
  const storage = bindings.filter((kind) => kind !== 'uniform').length;
  const max = device.limits.maxStorageBuffersPerShaderStage;
  if (storage <= max) return;
  throw new LimitError(
    `getKernel: a kernel may bind ${max} storage buffers on this device; "${label}" binds ${storage}. Pack some of them into one buffer.`,
  );
}

function makeLayout(
  device: GPUDevice,
  label: string,
  bindings: readonly BindingKind[],
): KernelLayout {
  const entries = bindings.map((kind, binding) => ({
    binding,
    visibility: STAGE_COMPUTE,
    buffer: { type: bufferTypes[kind] },
  }));
  const bindGroup = device.createBindGroupLayout({ label, entries });
  const pipeline = device.createPipelineLayout({ label, bindGroupLayouts: [bindGroup] });
  return { bindGroup, pipeline };
}
