import type { Gpu } from '@heed/core';
import { openTfjs } from '@heed/tfjs';
import { engine, registerBackend, removeBackend, setBackend } from '@tensorflow/tfjs-core';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/**
 * Makes TensorFlow.js use heed's device. Tensors on an earlier device are lost.
 *
 * In Node, `navigator.gpu` and the WebGPU globals (`GPUBufferUsage` and others) must exist before.
 * @throws Error if TensorFlow.js cannot create its backend
 */
export async function useTfjs(gpu: Gpu): Promise<void> {
  // tf.findBackend would create the backend that registered itself, on another device.
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
