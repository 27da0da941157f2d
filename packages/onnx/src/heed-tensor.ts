import { type Gpu, type Tensor, UnsupportedError, ValidationError } from '@heed/core';
import type { Tensor as OrtTensor } from 'onnxruntime-web';
import { elementTypes } from './element-types.ts';

const fn = 'heedTensor';

/**
 * A GPU tensor of ONNX Runtime's as heed's functions take it: the same memory, no copy.
 *
 * It is valid until the tensor of ONNX Runtime's is disposed, which may be as soon as heed's functions were called: what they
 * dispatched comes before whatever reuses the memory.
 *
 * @param gpu its device must be the session's: see {@link sessionOptions}. A tensor of another device fails on the GPU, and the
 *   next `read()` or `settled()` rejects.
 * @param x float32, float16, int32 or uint32
 * @throws ValidationError the tensor is not on the GPU, or was disposed
 * @throws UnsupportedError another element type
 * @example
 * const view = heedTensor(gpu, q).reshape([1, 16, 2, 4]).permute([0, 2, 1, 3]);
 */
export function heedTensor(gpu: Gpu, x: OrtTensor): Tensor {
  const { location, type, dims } = x;
  if (location !== 'gpu-buffer') {
    throw new ValidationError(
      `${fn}: the tensor must lie in a 'gpu-buffer'; its location is '${location}'. Create the session that computes it with ` +
        `sessionOptions(gpu), and dispose it later; for one on the CPU: gpu.tensor(x.data, { shape: x.dims }).`,
    );
  }
  const dtype = (elementTypes as Readonly<Record<string, 'f32' | 'f16' | 'i32' | 'u32'>>)[type];
  if (dtype === undefined) {
    throw new UnsupportedError(
      `${fn}: the tensor must be ${Object.keys(elementTypes).join(', ')}; got ${type}. Put a Cast at the end of the model.`,
    );
  }
  return gpu.wrap(x.gpuBuffer, { shape: dims, dtype, label: 'onnx tensor' });
}
