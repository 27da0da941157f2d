import { type Gpu, type HeedError, openGpu } from '@heed/core';
import { poisonMemory } from '@heed/core/kernel';
import 'vitest';
import { testTier } from './tier.ts';
import { bareVars, nagaGaps } from './wgsl-lint.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Number of distinct pipelines on the shared device, or in the engine under test, after the test. */
    pipelines?: number;
    /** Processor time of the test in milliseconds, with the driver's threads; unknown in a browser. */
    cpuMs?: number;
  }
}

type SomeError = GPUError | HeedError | Error;

const unseen: SomeError[] = [];

/** Collects an error that no call awaited. The GPU set-up file then fails the test that caused it. */
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
 * Removes and returns the errors collected since the last call. A test that causes an error on purpose calls it.
 */
export function takeGpuErrors(): SomeError[] {
  return unseen.splice(0);
}

/** Returns the lint findings of a kernel of heed, each with the label of the kernel. */
function shaderFindings({ label = '', code }: GPUShaderModuleDescriptor): string[] {
  if (!label.startsWith('heed')) return [];
  return [...bareVars(code), ...nagaGaps(code)].map((finding) => `${label}: ${finding}`);
}

/** Lints every kernel that heed compiles on a device, also those that no unit test lists. */
export function watchShaders(device: GPUDevice): void {
  const create = device.createShaderModule.bind(device);
  device.createShaderModule = (descriptor) => {
    for (const finding of shaderFindings(descriptor)) collectError(new Error(finding));
    return create(descriptor);
  };
}

const onError = collectError;

/** On globalThis, so that test files share one device: each loads its own copy of this module. */
interface Shared {
  gpu?: Promise<Gpu>;
  opened?: Gpu;
  dawn?: GPU;
}

const key: unique symbol = Symbol.for('heed.testing.shared');
const shared = ((globalThis as { [key]?: Shared })[key] ??= {});

/**
 * Returns the `Gpu` that all tests of this process share. In the tier `gpu-minimal`, its device has no optional features and default
 * limits; in the tier `subgroup-matrix`, that path is forced; otherwise it is the result of `openGpu()`. Its memory holds NaN or a
 * secret number, so that an element that a kernel does not write shows.
 *
 * @example
 * const gpu = await testGpu();
 * const x = gpu.tensor([1, 2, 3], { shape: [3] });
 */
export function testGpu(): Promise<Gpu> {
  shared.gpu ??= open();
  return shared.gpu;
}

/** Returns the shared `Gpu`, or undefined before the first call of {@link testGpu}. */
export function openedGpu(): Gpu | undefined {
  return shared.opened;
}

/** Opens a `Gpu` like that of {@link testGpu} on a new device, for tests that lose the device or count on it. */
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

/** Opens a `Gpu` at WebGPU's defaults: no optional features, default limits. */
async function openMinimal(): Promise<Gpu> {
  const adapter = await (await findDawn()).requestAdapter();
  if (adapter === null)
    throw new Error('testGpu: no WebGPU adapter. Run the tests with `npm test`.');
  const device = await adapter.requestDevice({ label: 'minimal' });
  return openGpu({ device, label: 'minimal', onError });
}

/** Returns `navigator.gpu`, else Dawn, which must stay referenced as long as its devices. */
async function findDawn(): Promise<GPU> {
  if (globalThis.navigator?.gpu !== undefined) return navigator.gpu;
  const { create, globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  shared.dawn ??= create([]);
  return shared.dawn;
}
