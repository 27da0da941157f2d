import type { Gpu } from '@heed/core';
import { openTfjs } from '@heed/tfjs';
import {
  engine,
  findBackend,
  registerBackend,
  removeBackend,
  setBackend,
} from '@tensorflow/tfjs-core';
import { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/**
 * Puts TensorFlow.js on heed's device, where both have all of its features. Tensors on an earlier device are gone afterwards.
 *
 * In Node, `navigator.gpu` and the globals of WebGPU (`GPUBufferUsage` and the like) must be there before.
 */
export async function useTfjs(gpu: Gpu): Promise<void> {
  const found = findBackend('webgpu') as WebGPUBackend | null;
  if (found?.device !== gpu.device) {
    if (engine().registryFactory['webgpu']) removeBackend('webgpu');
    registerBackend('webgpu', () => new WebGPUBackend(gpu.device, gpu.device.adapterInfo));
  }
  await setBackend('webgpu');
  await openTfjs({ gpu });
}
