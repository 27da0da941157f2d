import {
  type DType,
  type Gpu,
  type Tensor as HeedTensor,
  UnsupportedError,
  ValidationError,
} from '@heed/core';
import {
  elementCount,
  flush,
  formatShape,
  isContiguous,
  isTensor,
  rowMajorStrides,
} from '@heed/core/kernel';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';
import { type DataType, engine, Tensor, tensor } from '@tensorflow/tfjs-core';

const dtypes: Partial<Record<DataType, DType>> = { float32: 'f32', int32: 'i32', bool: 'i32' };

/**
 * Returns heed's view of a tensor's own buffer, without a copy. Values that are still on the host are uploaded first.
 * @throws UnsupportedError a dtype other than float32, int32 and bool; a texture
 */
export function wrapTensor(
  fn: string,
  gpu: Gpu,
  backend: WebGPUBackend,
  name: string,
  { dataId, dtype, shape }: Tensor,
): HeedTensor {
  const type = dtypes[dtype];
  if (type === undefined) {
    throw new UnsupportedError(
      `${fn}: ${name} must be float32, int32 or bool; got ${dtype}. Cast it: tf.cast(x, 'float32').`,
    );
  }
  // get() also fetches values from another backend.
  const data = backend.tensorMap.get(dataId);
  backend.uploadToGPU(dataId);
  const { resource } = data;
  if (resource instanceof GPUBuffer) {
    // Empty dimensions get strides above 0, too: heed refuses to write to a view with a stride of 0.
    const strides = rowMajorStrides(shape.map((n) => Math.max(n, 1)));
    return gpu.wrap(resource, { shape, dtype: type, strides, label: `tfjs ${name}` });
  }
  throw new UnsupportedError(
    `${fn}: ${name} must be in a GPUBuffer; got a texture. Make a tensor of it first: tf.add(x, 0).`,
  );
}

/** @throws ValidationError not a tensor of TensorFlow.js, or a disposed one */
export function checkTfTensor(fn: string, name: string, x: unknown): Tensor {
  if (!(x instanceof Tensor)) {
    const got = isTensor(x) ? 'a heed Tensor' : String(x);
    const fix = isTensor(x) ? 'Call the function of @heed/flex.' : 'Make one with tf.tensor().';
    throw new ValidationError(`${fn}: ${name} must be a tf.Tensor; got ${got}. ${fix}`);
  }
  if (!x.isDisposed) return x;
  throw new ValidationError(
    `${fn}: ${name} [${x.shape.join(', ')}] was disposed. Keep it with tf.keep(), or create it outside the tf.tidy() that has ended.`,
  );
}

/**
 * Allocates a tensor of the backend, contents undefined. Its buffer has exactly the tensor's bytes, since TensorFlow.js derives
 * the length of a tensor from it.
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

/**
 * Copies heed's tensors into memory of the backend, on the device and in one submit.
 * @throws UnsupportedError a dtype other than f32 and i32; strides that are not row-major
 */
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
        'Pass the tensor that it is a view of, and use tf.slice() or tf.transpose() on the result.',
    );
  }
  if (dtype === 'f32') return 'float32';
  if (dtype === 'i32') return 'int32';
  throw new UnsupportedError(
    `${fn}: TensorFlow.js has float32 and int32 on the GPU; got ${dtype} in "${label}". Create it as f32 or i32.`,
  );
}

/**
 * Returns a tensor of TensorFlow.js over heed's memory, which is disposed when TensorFlow.js frees the tensor. The buffer may be
 * larger than the tensor: such a tensor is kept, never read.
 */
export function lend(backend: WebGPUBackend, lent: HeedTensor): Tensor {
  const { buffer, shape } = lent;
  const kept = tensor({ buffer, zeroCopy: true }, [...shape], 'float32');
  const data = backend.tensorMap.get(kept.dataId);
  // The backend has no event for a freed tensor. Its last act on foreign memory is to set `resource` to null.
  Object.defineProperty(data, 'resource', {
    get: () => buffer,
    set: () => {
      lent.dispose();
    },
  });
  return kept;
}
