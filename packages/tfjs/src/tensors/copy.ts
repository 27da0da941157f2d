import { type Gpu, type Tensor as HeedTensor, UnsupportedError } from '@heed/core';
import { elementCount, flush, formatShape, isContiguous } from '@heed/core/kernel';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { allocate } from './allocate.ts';

/** Copies of heed's tensors in memory of the backend's, made on the device in one submit. */
export function copyTensors(
  fn: string,
  gpu: Gpu,
  backend: WebGPUBackend,
  tensors: readonly HeedTensor[],
): Tensor[] {
  flush(gpu);
  const encoder = gpu.device.createCommandEncoder({ label: `${fn} copies` });
  const copies = tensors.map((from) => {
    const copy = allocate(backend, from.shape, typeOf(fn, from));
    const to = backend.tensorMap.get(copy.dataId).resource as GPUBuffer;
    const size = elementCount(from.shape) * 4;
    if (size > 0) encoder.copyBufferToBuffer(from.buffer, from.byteOffset, to, 0, size);
    return copy;
  });
  gpu.device.queue.submit([encoder.finish()]);
  return copies;
}

function typeOf(fn: string, { dtype, shape, strides, label }: HeedTensor): 'float32' | 'int32' {
  if (!isContiguous(shape, strides)) {
    throw new UnsupportedError(
      `${fn}: "${label}" ${formatShape(shape)} must be row-major without gaps; got strides ${formatShape(strides)}. ` +
        'Hand over the tensor it is a view of, and view that with tf.slice() or tf.transpose().',
    );
  }
  if (dtype === 'f32') return 'float32';
  if (dtype === 'i32') return 'int32';
  throw new UnsupportedError(
    `${fn}: TensorFlow.js has float32 and int32 on the GPU; got ${dtype} in "${label}". Make it as f32 or i32.`,
  );
}
