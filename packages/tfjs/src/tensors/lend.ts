import type { Tensor as HeedTensor } from '@heed/core';
import { tensor, type Tensor } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/**
 * A tensor over heed's own memory, given back to heed when TensorFlow.js lets go of the tensor. Its buffer may be larger than
 * the tensor, so that it is not to be read there, only kept.
 */
export function lend(backend: WebGPUBackend, lent: HeedTensor): Tensor {
  const { buffer, shape } = lent;
  const kept = tensor({ buffer, zeroCopy: true }, [...shape], 'float32');
  const data = backend.tensorMap.get(kept.dataId);
  // The backend tells nobody that a tensor is gone; setting `resource` to null is the last that it does to memory not its own.
  Object.defineProperty(data, 'resource', {
    get: () => buffer,
    set: () => {
      lent.dispose();
    },
  });
  return kept;
}
