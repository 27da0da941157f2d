import { type Gpu, openGpu, ValidationError } from '@heed/core';
import { assertUsable, type NamesOf, readOptions } from '@heed/core/kernel';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { activeBackend } from './backend.ts';

const opened = new WeakMap<WebGPUBackend, Gpu>();

/** What {@link openTfjs} may be given. */
export interface OpenTfjsOptions {
  /** A Gpu on the backend's device; default: a new one on that device. */
  readonly gpu?: Gpu;
}

export const openNames: NamesOf<OpenTfjsOptions> = { gpu: 1 };

/**
 * Opens the device of TensorFlow.js's WebGPU backend for heed: once, after `tf.setBackend('webgpu')` and before the first
 * attention. A second call gives the same Gpu.
 *
 * TensorFlow.js asks its adapter for few features, and heed takes a device as it is. For subgroups and f16, make the backend on
 * a device that heed opened (README, "On heed's device").
 *
 * @returns the Gpu that heed's kernels run on, for `createBlockMask`, `settled` and the like
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
    checkDevice(backend, gpu);
    opened.set(backend, gpu);
    return gpu;
  }
  const known = opened.get(backend);
  if (known && isUsable(known)) return known;
  const made = await openGpu({ device: backend.device, label: 'tfjs' });
  opened.set(backend, made);
  return made;
}

/** @throws ValidationError nothing was opened on this backend */
export function gpuOf(fn: string, backend: WebGPUBackend): Gpu {
  const gpu = opened.get(backend);
  if (gpu) return gpu;
  throw new ValidationError(
    `${fn}: heed is not open on this backend of TensorFlow.js. Once after tf.setBackend('webgpu'): await openTfjs().`,
  );
}

function checkDevice(backend: WebGPUBackend, gpu: Gpu): void {
  if (gpu.device === backend.device) return;
  throw new ValidationError(
    `openTfjs: gpu must be on the device of TensorFlow.js's backend; got "${gpu.label}" on another device. Leave gpu out, or make ` +
      'the backend on it: new WebGPUBackend(gpu.device, gpu.device.adapterInfo).',
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
