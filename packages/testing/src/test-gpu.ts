import { type Gpu, type HeedError, openGpu } from '@heed/core';
import { poisonMemory } from '@heed/core/kernel';
import 'vitest';
import { testTier } from './tier.ts';
import { bareVars, nagaGaps } from './wgsl-lint.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Distinct pipelines on the shared device, or in the engine that the test talks to, once the test had run. */
    pipelines?: number;
    /** Processor time of the test in milliseconds, threads of the driver included; not known in a browser. */
    cpuMs?: number;
  }
}

type SomeError = GPUError | HeedError | Error;

const unseen: SomeError[] = [];

/** Collects an error that nobody awaited; the GPU set-up file fails the test that caused it. */
export function collectError(error: SomeError): void {
  unseen.push(error);
}

/** Collects the device's uncaptured errors. */
function watchErrors(device: GPUDevice): void {
  device.addEventListener('uncapturederror', (event) => {
    event.preventDefault();
    collectError(event.error);
  });
}

/**
 * Takes the errors collected since the last call. A test that provokes an error on the shared
 * device calls this to say that it was meant.
 */
export function takeGpuErrors(): SomeError[] {
  return unseen.splice(0);
}

/** Returns the lint findings of a kernel of heed, each with the label of the kernel. */
function shaderFindings({ label = '', code }: GPUShaderModuleDescriptor): string[] {
  if (!label.startsWith('heed')) return [];
  return [...bareVars(code), ...nagaGaps(code)].map((finding) => `${label}: ${finding}`);
}

/** Holds every kernel that heed compiles on a device to the lints, whether or not a unit test lists it. */
export function watchShaders(device: GPUDevice): void {
  const create = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    for (const finding of shaderFindings(descriptor)) collectError(new Error(finding));
    return create(descriptor);
  };
}

const onError = collectError;

/** Kept on globalThis so that test files, which are modules of their own, share one device. */
interface Shared {
  gpu?: Promise<Gpu>;
  opened?: Gpu;
  dawn?: GPU;
}

const key: unique symbol = Symbol.for('heed.testing.shared');
const shared = ((globalThis as { [key]?: Shared })[key] ??= {});

/**
 * The one `Gpu` that all tests of this process share. In the `gpu-minimal` tier its device was
 * requested with no features and no limits, in the `subgroup-matrix` tier that path is forced; elsewhere it is what
 * `openGpu()` gives. Memory that it hands out holds NaN or a secret: what a kernel does not write shows.
 *
 * @example
 * const gpu = await testGpu();
 * const x = gpu.tensor([1, 2, 3], { shape: [3] });
 */
export function testGpu(): Promise<Gpu> {
  shared.gpu ??= open();
  return shared.gpu;
}

/** The shared `Gpu` if some test has asked for it. */
export function openedGpu(): Gpu | undefined {
  return shared.opened;
}

/** A `Gpu` like that of {@link testGpu} on a device of its own, for a test that loses or counts one. */
export async function ownGpu(): Promise<Gpu> {
  const gpu = await openTier();
  watchErrors(gpu.device);
  poisonMemory(gpu);
  watchShaders(gpu.device);
  return gpu;
}

async function open(): Promise<Gpu> {
  return (shared.opened = await ownGpu());
}

function openTier(): Promise<Gpu> {
  switch (testTier()) {
    case 'gpu-minimal':
      return openMinimal();
    case 'subgroup-matrix':
      return openGpu({ label: 'test', onError, tuning: { version: 1, force: { path: 'matrix' } } });
    default:
      return openGpu({ label: 'test', onError });
  }
}

/** A `Gpu` on a device at WebGPU's defaults: no optional feature, no raised limit. */
async function openMinimal(): Promise<Gpu> {
  const adapter = await (await findDawn()).requestAdapter();
  if (adapter === null)
    throw new Error('testGpu: no WebGPU adapter. Run the tests with `npm test`.');
  const device = await adapter.requestDevice({ label: 'minimal' });
  return openGpu({ device, label: 'minimal', onError });
}

/** `navigator.gpu`, else Dawn's, which must stay referenced while its devices live. */
async function findDawn(): Promise<GPU> {
  if (globalThis.navigator?.gpu !== undefined) return navigator.gpu;
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  shared.dawn ??= create([]);
  return shared.dawn;
}
