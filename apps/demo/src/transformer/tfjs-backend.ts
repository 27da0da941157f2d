import type { Gpu } from '@heed/core';
import { openTfjs } from '@heed/tfjs';
import { engine, registerBackend, removeBackend, setBackend } from '@tensorflow/tfjs-core';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/**
 * Puts TensorFlow.js on heed's device, where both have all of its features. Tensors on an earlier device are gone afterwards.
 *
 * In Node, `navigator.gpu` and the globals of WebGPU (`GPUBufferUsage` and the like) must be there before.
 * @throws Error TensorFlow.js cannot make its backend
 */
export async function useTfjs(gpu: Gpu): Promise<void> {
  // Not tf.findBackend, which would begin to make the backend that registered itself, on a device of its own.
  const { registry, registryFactory } = engine();
  const made = registry['webgpu'] as WebGPUBackend | undefined;
  if (made?.device !== gpu.device) {
    if (registryFactory['webgpu']) removeBackend('webgpu');
    registerBackend('webgpu', () => new WebGPUBackend(gpu.device, gpu.device.adapterInfo));
  }
  if (!(await setBackend('webgpu'))) {
    throw new Error('TensorFlow.js could not make its WebGPU backend; the console says why');
  }
  await openTfjs({ gpu });
}
