import { type Gpu, openGpu, UnsupportedError, ValidationError } from '@heed/core';
import { assertUsable, type NamesOf, readOptions } from '@heed/core/kernel';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { engine, getBackend } from '@tensorflow/tfjs-core';

const opened = new WeakMap<WebGPUBackend, Gpu>();

/** Options of {@link openTfjs}. */
export interface OpenTfjsOptions {
  /** A Gpu on the backend's device; default: a new one on that device. */
  readonly gpu?: Gpu;
}

export const openNames: NamesOf<OpenTfjsOptions> = { gpu: 1 };

/**
 * Opens the device of TensorFlow.js's WebGPU backend for heed. Call it once, after `tf.setBackend('webgpu')` and before the first
 * attention; a second call returns the same Gpu.
 *
 * TensorFlow.js requests few features from its adapter, and heed uses the device as it is. For subgroups and f16, create the
 * backend on a device that heed opened (README, "On heed's device").
 *
 * @returns the Gpu that heed's kernels run on, for `createBlockMask`, `heedTensor`, `settled` and others
 * @throws UnsupportedError (as a rejection, like the next) the active backend is not WebGPU
 * @throws ValidationError `gpu` is on another device than the backend
 * @example
 * await tf.setBackend('webgpu');
 * const gpu = await openTfjs();
 */
export async function openTfjs(options?: OpenTfjsOptions): Promise<Gpu> {
  const { gpu } = readOptions('openTfjs', options, openNames);
  const backend = activeBackend('openTfjs');
  if (gpu !== undefined) {
    checkDevice('openTfjs', backend, gpu);
    opened.set(backend, gpu);
    return gpu;
  }
  const known = opened.get(backend);
  if (known && isUsable(known)) return known;
  const made = await openGpu({ device: backend.device, label: 'tfjs' });
  opened.set(backend, made);
  return made;
}

/** @throws ValidationError `openTfjs()` was not called on this backend */
export function gpuOf(fn: string, backend: WebGPUBackend): Gpu {
  const gpu = opened.get(backend);
  if (gpu) return gpu;
  throw new ValidationError(
    `${fn}: heed is not open on this backend of TensorFlow.js. Call await openTfjs() once, after tf.setBackend('webgpu').`,
  );
}

/** @throws ValidationError `gpu` is on another device than the backend */
export function checkDevice(fn: string, backend: WebGPUBackend, gpu: Gpu): void {
  if (gpu.device === backend.device) return;
  throw new ValidationError(
    `${fn}: gpu must be on the device of TensorFlow.js's backend; got "${gpu.label}" on another device. Leave gpu out, or create ` +
      'the backend on its device: new WebGPUBackend(gpu.device, gpu.device.adapterInfo).',
  );
}

function isUsable(gpu: Gpu): boolean {
  try {
    assertUsable(gpu);
    return true;
  } catch {
    return false;
  }
}

/**
 * Returns the active backend.
 * @throws UnsupportedError another backend than WebGPU
 */
export function activeBackend(fn: string): WebGPUBackend {
  const name = getBackend();
  if (name === 'webgpu') return engine().backend as WebGPUBackend;
  const got = name ? `'${name}'` : 'none';
  throw new UnsupportedError(
    `${fn}: the active backend of TensorFlow.js must be 'webgpu'; got ${got}. Import @tensorflow/tfjs-backend-webgpu and ` +
      `await tf.setBackend('webgpu') first; it needs navigator.gpu.`,
  );
}

/**
 * Submits the operations that TensorFlow.js has recorded. It collects several of them for one submit, which heed's next submit
 * would overtake.
 */
export function submitPending(backend: WebGPUBackend): void {
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
}
