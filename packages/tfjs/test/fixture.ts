import type { Gpu } from '@heed/core';
import { openTfjs } from '@heed/tfjs';
import { Rng, testGpu } from '@heed/testing';
import * as tf from '@tensorflow/tfjs-core';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';

/** TensorFlow.js and heed on one device. */
export interface Tfjs {
  readonly gpu: Gpu;
  readonly backend: WebGPUBackend;
}

/** TensorFlow.js on the device that all tests share. */
export async function testTfjs(): Promise<Tfjs> {
  const gpu = await testGpu();
  const found = tf.findBackend('webgpu') as WebGPUBackend | null;
  const backend = found?.device === gpu.device ? found : await useDevice(gpu.device);
  return { gpu: await openTfjs({ gpu }), backend };
}

/** Makes a WebGPU backend on a device, and the active one; what was active before is disposed. */
export async function useDevice(device: GPUDevice): Promise<WebGPUBackend> {
  const { globals } = await import('webgpu');
  Object.assign(globalThis, globals);
  if (tf.engine().registryFactory['webgpu']) tf.removeBackend('webgpu');
  tf.registerBackend('webgpu', () => withNavigatorGpu(() => new WebGPUBackend(device)));
  await tf.setBackend('webgpu');
  return tf.backend() as WebGPUBackend;
}

// The backend asks no more of navigator.gpu than to be there; other tests look for their adapter there.
function withNavigatorGpu<T>(fn: () => T): T {
  if ('gpu' in navigator) return fn();
  Object.defineProperty(navigator, 'gpu', { value: {}, configurable: true });
  try {
    return fn();
  } finally {
    delete (navigator as { gpu?: unknown }).gpu;
  }
}

/** Normal numbers; the same seed gives the same. */
export function normal(seed: number, shape: number[], scale = 1): tf.Tensor {
  const count = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(new Rng(seed).normals(count, scale), shape);
}
