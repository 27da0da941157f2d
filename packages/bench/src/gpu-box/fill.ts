import { type Gpu, type Tensor, ValidationError } from '@heed/core';
import {
  bindTensor,
  dispatch,
  elementCount,
  formatShape,
  getKernel,
  isContiguous,
} from '@heed/core/kernel';
import { fillSource, LANES } from './fill.wgsl.ts';
import { type Input, sources } from './values.ts';

const most = 4096;

/**
 * A tensor of halves with the numbers of `valueAt`, made on the GPU: gigabytes would take minutes to upload.
 * @throws ValidationError its rows are padded, as odd ones are on a device without shader-f16
 */
export function filled(gpu: Gpu, input: Input, shape: readonly number[]): Tensor {
  const tensor = gpu.empty([...shape], { dtype: 'f16', label: input });
  if (!isContiguous(tensor.shape, tensor.strides)) {
    tensor.dispose();
    throw new ValidationError(
      `filled: rows must lie without gaps; got ${formatShape(shape)} on a device that pads odd rows of halves. Use an even last dimension.`,
    );
  }
  const words = Math.ceil(elementCount(shape) / 2);
  const groups = Math.min(most, Math.ceil(words / LANES));
  const { seed, factor } = sources[input];
  const params = Uint32Array.of(words, groups * LANES, seed, 0);
  new Float32Array(params.buffer)[3] = factor;
  dispatch(gpu, {
    kernel: getKernel(gpu, fillSource),
    buffers: [bindTensor(tensor).range],
    params,
    workgroups: [groups, 1, 1],
  });
  return tensor;
}
