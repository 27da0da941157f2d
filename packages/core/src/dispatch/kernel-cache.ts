import type { Faults } from '../device/faults.ts';
import type { CompileError } from '../errors.ts';
import { compileError } from './compile-error.ts';
import type { Kernel, KernelSource } from './kernel.ts';
import { layoutOf } from './layouts.ts';

interface Entry {
  kernel?: Kernel;
  pending?: Promise<Kernel>;
  error?: CompileError;
}

interface DeviceCache {
  readonly entries: Map<string, Entry>;
  // Spares hashing the text of a source that is asked for again.
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

/** The kernel, created synchronously on a miss; what its compiler refuses is known later and goes to `faults`. */
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

/** The kernel, compiled without blocking the host; one compilation however many ask. */
export function cachedKernelAsync(device: GPUDevice, source: KernelSource): Promise<Kernel> {
  const entry = entryOf(device, source);
  if (entry.error) return Promise.reject(entry.error);
  if (entry.kernel) return Promise.resolve(entry.kernel);
  return (entry.pending ??= compile(device, source, entry).finally(() => delete entry.pending));
}

async function compile(device: GPUDevice, source: KernelSource, entry: Entry): Promise<Kernel> {
  const layout = layoutOf(device, source).bindGroup;
  // What is wrong with the module fails the pipeline too, which tells it to this function alone.
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

/** Distinct kernels made on this device so far. */
export function cachedCount(device: GPUDevice): number {
  let count = 0;
  for (const entry of cacheOf(device).entries.values()) if (entry.kernel) count++;
  return count;
}
