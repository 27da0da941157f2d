import { type DType, type Gpu, type Tensor as HeedTensor, UnsupportedError } from '@heed/core';
import { rowMajorStrides } from '@heed/core/kernel';
import type { DataType, Tensor } from '@tensorflow/tfjs-core';
import type { WebGPUBackend } from '@tensorflow/tfjs-backend-webgpu';

const dtypes: Partial<Record<DataType, DType>> = { float32: 'f32', int32: 'i32', bool: 'i32' };

/** The memory of a tensor as heed sees it: its own buffer, uploaded first where its values are still on the host. */
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
  // get() brings over what another backend holds.
  const data = backend.tensorMap.get(dataId);
  backend.uploadToGPU(dataId);
  const { resource } = data;
  if (resource instanceof GPUBuffer) {
    // Row-major, and apart also where there is nothing: heed writes to no view whose strides are 0.
    const strides = rowMajorStrides(shape.map((n) => Math.max(n, 1)));
    return gpu.wrap(resource, { shape, dtype: type, strides, label: `tfjs ${name}` });
  }
  throw new UnsupportedError(
    `${fn}: ${name} must lie in a GPUBuffer; got a texture. Compute something of it first: tf.add(x, 0).`,
  );
}
