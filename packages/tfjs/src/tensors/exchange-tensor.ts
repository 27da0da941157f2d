import type { Gpu, Tensor as HeedTensor } from '@heed/core';
import { checkTensor, isGpu } from '@heed/core/kernel';
import type { Tensor } from '@tensorflow/tfjs-core';
import { activeBackend, checkDevice, gpuOf, submitPending } from '../device/open-tfjs.ts';
import { checkTfTensor, copyTensors, wrapTensor } from './shared-memory.ts';

/**
 * Returns a tensor of TensorFlow.js as heed's functions take it: the same memory, no copy. Work that TensorFlow.js has recorded
 * is submitted first, so that heed's work follows it. float32 becomes f32, int32 and bool become i32.
 *
 * The result is valid as long as `x` is: heed frees nothing of it, and TensorFlow.js reuses the memory of disposed tensors.
 *
 * @param gpu the Gpu of `openTfjs()`, or another one on the backend's device
 * @throws ValidationError not a tensor, a disposed one, a Gpu on another device; without `gpu`, `openTfjs()` was not called
 * @throws UnsupportedError another backend, or another dtype
 * @example
 * const view = heedTensor(gpu, x).permute([0, 2, 1, 3]);
 */
export function heedTensor(gpu: Gpu, x: Tensor): HeedTensor;
/** The older form of `heedTensor(gpu, x)`, with the Gpu of `openTfjs()`. */
export function heedTensor(x: Tensor): HeedTensor;
export function heedTensor(...args: [gpu: Gpu, x: Tensor] | [x: Tensor]): HeedTensor {
  const fn = 'heedTensor';
  const backend = activeBackend(fn);
  const gpu = isGpu(args[0]) ? args[0] : gpuOf(fn, backend);
  checkDevice(fn, backend, gpu);
  const x = args.at(-1);
  const wrapped = wrapTensor(fn, gpu, backend, 'x', checkTfTensor(fn, 'x', x));
  submitPending(backend);
  return wrapped;
}

/**
 * Copies a tensor of heed into TensorFlow.js, on the device. The copy belongs to TensorFlow.js, which frees it like its own
 * tensors; `x` still belongs to heed. No gradient passes through the copy.
 *
 * @param x f32 or i32, row-major without gaps
 * @throws ValidationError not a tensor, one of another device, or `openTfjs()` was not called
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
