import { engine, type Tensor } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

/**
 * A tensor with memory of the backend's and nothing in it: exactly its bytes, since TensorFlow.js reads a tensor by the size of
 * its buffer, and freed as any tensor of its own.
 */
export function allocate(
  backend: WebGPUBackend,
  shape: readonly number[],
  dtype: 'float32' | 'int32' = 'float32',
): Tensor {
  const info = backend.makeTensorInfo([...shape], dtype);
  backend.uploadToGPU(info.dataId);
  return engine().makeTensorFromTensorInfo(info, backend);
}
