import { UnsupportedError } from '@heed/core';
import { engine, getBackend } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/**
 * The active backend.
 * @throws UnsupportedError it is not the WebGPU backend
 */
export function activeBackend(fn: string): WebGPUBackend {
  const name = getBackend();
  if (name === 'webgpu') return engine().backend as WebGPUBackend;
  const got = name ? `'${name}'` : 'none';
  throw new UnsupportedError(
    `${fn}: the active backend of TensorFlow.js must be 'webgpu'; got ${got}. Import @tensorflow/tfjs-backend-webgpu, and ` +
      `await tf.setBackend('webgpu') before; it needs navigator.gpu.`,
  );
}

/**
 * Submits what TensorFlow.js has recorded: it keeps several operations back for one submit, and what heed submits next
 * would overtake them.
 */
export function submitPending(backend: WebGPUBackend): void {
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
}
