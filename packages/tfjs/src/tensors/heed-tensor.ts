import type { Tensor as HeedTensor } from '@heed/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { activeBackend, submitPending } from '../device/backend.ts';
import { gpuOf } from '../device/open.ts';
import { checkTfTensor } from './check.ts';
import { wrapTensor } from './wrap.ts';

/**
 * A tensor of TensorFlow.js as heed's functions take it: the same memory, no copy. What TensorFlow.js has recorded is submitted
 * first, so that heed's work comes after. float32 becomes f32, int32 and bool become i32.
 *
 * It is valid as long as `x` is: heed frees nothing of it, and TensorFlow.js reuses the memory of what is disposed.
 *
 * @throws ValidationError no tensor, a disposed one, or `openTfjs()` was not called
 * @throws UnsupportedError another backend, or another dtype
 * @example
 * const view = heedTensor(x).permute([0, 2, 1, 3]);
 */
export function heedTensor(x: Tensor): HeedTensor {
  const fn = 'heedTensor';
  const backend = activeBackend(fn);
  const gpu = gpuOf(fn, backend);
  const wrapped = wrapTensor(fn, gpu, backend, 'x', checkTfTensor(fn, 'x', x));
  submitPending(backend);
  return wrapped;
}
