import type { Tensor as HeedTensor } from '@heed/core';
import { checkTensor } from '@heed/core/kernel';
import type { Tensor } from '@tensorflow/tfjs-core';
import { activeBackend } from '../device/backend.ts';
import { gpuOf } from '../device/open.ts';
import { copyTensors } from './copy.ts';

/**
 * A copy of heed's tensor in TensorFlow.js, made on the device. It belongs to TensorFlow.js, which frees it as any of its own;
 * `x` stays heed's. No gradient goes through it.
 *
 * @param x f32 or i32, row-major without gaps
 * @throws ValidationError no tensor, one of another device, or `openTfjs()` was not called
 * @throws UnsupportedError another backend, another dtype, or strides that are not row-major
 * @throws DisposedError
 * @example
 * const lse = tfTensor(heed.attention(view, view, view, { returnLse: true }).lse);
 */
export function tfTensor(x: HeedTensor): Tensor {
  const fn = 'tfTensor';
  const backend = activeBackend(fn);
  const gpu = gpuOf(fn, backend);
  return copyTensors(fn, gpu, backend, [checkTensor(fn, 'x', x, { gpu })])[0]!;
}
