import { STAGE_COMPUTE } from '../text/buffer-range.ts';
import { CompileError, LimitError } from '../text/errors.ts';
import type { BindingKind, Kernel, KernelSource } from '../text/kernel-dispatch.ts';
import { numberedSource } from '../text/wgsl.ts';
import type { Faults } from './faults.ts';

interface Entry {
  kernel?: Kernel;
  pending?: Promise<Kernel>;
  error?: CompileError;
}

interface DeviceCache {
  readonly entries: Map<string, Entry>;
  // Saves hashing the text of a source that was seen before.
  readonly bySource: WeakMap<KernelSource, Entry>;
}

const caches = new WeakMap<GPUDevice, DeviceCache>();

function cacheOf(device: GPUDevice): DeviceCache {
  let cache = caches.get(device);
  if (!cache) caches.set(device, (cache = { entries: new Map(), bySource: new WeakMap() }));
  return cache;
}

function entryOf(device: GPUDevice, source: KernelSource): Entry {
  const { entries, bySource } = cacheOf(device);
  const known = bySource.get(source);
  if (known) return known;
  const key = `${source.bindings.join()} ${source.entryPoint ?? 'main'}\n${source.code}`;
  let entry = entries.get(key);
  if (!entry) entries.set(key, (entry = {}));
  bySource.set(source, entry);
  return entry;
}

function descriptor(
  device: GPUDevice,
  source: KernelSource,
  module: GPUShaderModule,
): GPUComputePipelineDescriptor {
  return {
    label: source.label,
    layout: layoutOf(device, source).pipeline,
    compute: { module, entryPoint: source.entryPoint ?? 'main' },
  };
}

/** Returns the kernel; creates it synchronously if it is not cached. A compile error is known later and goes to `faults`. */
export function cachedKernel(device: GPUDevice, faults: Faults, source: KernelSource): Kernel {
  const entry = entryOf(device, source);
  if (entry.error) throw entry.error;
  if (entry.kernel) return entry.kernel;
  const layout = layoutOf(device, source).bindGroup;
  let module: GPUShaderModule;
  let failure: Promise<CompileError> | undefined;
  faults.scope(
    'getKernel',
    ['validation', 'internal'],
    () => {
      module = device.createShaderModule({ label: source.label, code: source.code });
      const pipeline = device.createComputePipeline(descriptor(device, source, module));
      entry.kernel = { label: source.label, pipeline, layout, source };
    },
    async (error) => {
      failure ??= compileError(source, module, error.message, error);
      return (entry.error = await failure);
    },
  );
  return entry.kernel as unknown as Kernel;
}

/** Returns the kernel, compiled without blocking the host; concurrent calls share one compilation. */
export function cachedKernelAsync(device: GPUDevice, source: KernelSource): Promise<Kernel> {
  const entry = entryOf(device, source);
  if (entry.error) return Promise.reject(entry.error);
  if (entry.kernel) return Promise.resolve(entry.kernel);
  return (entry.pending ??= compile(device, source, entry).finally(() => delete entry.pending));
}

async function compile(device: GPUDevice, source: KernelSource, entry: Entry): Promise<Kernel> {
  const layout = layoutOf(device, source).bindGroup;
  // An invalid module also fails the pipeline below, whose error reaches this function only.
  device.pushErrorScope('validation');
  const module = device.createShaderModule({ label: source.label, code: source.code });
  device.popErrorScope().catch(() => {});
  try {
    const pipeline = await device.createComputePipelineAsync(descriptor(device, source, module));
    return (entry.kernel ??= { label: source.label, pipeline, layout, source });
  } catch (error) {
    throw (entry.error = await compileError(source, module, String(error), error));
  }
}

/** Returns the number of distinct kernels created on this device. */
export function cachedCount(device: GPUDevice): number {
  let count = 0;
  for (const entry of cacheOf(device).entries.values()) if (entry.kernel) count++;
  return count;
}

/** The layouts of all kernels with the same kinds of bindings. */
interface KernelLayout {
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
 * Returns the layout of a kernel, which all kernels with the same kinds of bindings and an equally large uniform share. Pipelines of one
 * layout must not differ in that size: wgpu keeps the size of the first in a pass, and refuses a smaller uniform of the next.
 * @throws LimitError more storage buffers than the device binds
 */
function layoutOf(
  device: GPUDevice,
  { label, bindings, uniformBytes = 0 }: KernelSource,
): KernelLayout {
  let known = layouts.get(device);
  if (!known) layouts.set(device, (known = new Map()));
  const key = `${bindings.join()} ${uniformBytes}`;
  let layout = known.get(key);
  if (!layout) {
    checkStorageBuffers(device, label, bindings);
    known.set(key, (layout = makeLayout(device, `heed ${key}`, bindings, uniformBytes)));
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
  uniformBytes: number,
): KernelLayout {
  const entries = bindings.map((kind, binding) => ({
    binding,
    visibility: STAGE_COMPUTE,
    buffer: { type: bufferTypes[kind], minBindingSize: kind === 'uniform' ? uniformBytes : 0 },
  }));
  const bindGroup = device.createBindGroupLayout({ label, entries });
  const pipeline = device.createPipelineLayout({ label, bindGroupLayouts: [bindGroup] });
  return { bindGroup, pipeline };
}

/** Makes the error for a refused kernel, from the compiler's messages and the kernel's text. */
async function compileError(
  source: KernelSource,
  module: GPUShaderModule,
  reason: string,
  cause: unknown,
): Promise<CompileError> {
  const info = await module
    .getCompilationInfo()
    .catch(() => ({ messages: [] as readonly GPUCompilationMessage[] }));
  const messages = info.messages.map((m) => `${m.lineNum}:${m.linePos} ${m.type}: ${m.message}`);
  // WebGPU counts lines from 1; 0 means an unknown position.
  const first = info.messages.find(({ type, lineNum }) => type === 'error' && lineNum > 0);
  const place = first && { line: first.lineNum, column: first.linePos, length: first.length };
  return new CompileError(
    `getKernel: the adapter's compiler refused kernel "${source.label}":\n${messages.join('\n') || reason.trim()}\n\n${numberedSource(source.code)}`,
    { cause, ...place },
  );
}
