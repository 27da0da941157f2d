import type { Gpu, Tensor, WrapOptions } from '../api.ts';
import { alignUp } from '../buffers/range.ts';
import { STORAGE } from '../buffers/usage.ts';
import { stateOf } from '../device/state.ts';
import { bytesPerElement } from '../dtype.ts';
import { ValidationError } from '../errors.ts';
import { show } from '../fail.ts';
import { elementExtent, formatShape, rowMajorStrides } from '../layout/shape.ts';
import { readOptions } from '../options/read-options.ts';
import { meantTensor, wrapNames } from './option-names.ts';
import { checkDType, checkLabel, checkShape } from './shape-check.ts';
import { ownerTensor } from './tensor.ts';

export function wrapBuffer(gpu: Gpu, buffer: GPUBuffer, given: WrapOptions): Tensor {
  const fn = 'gpu.wrap';
  stateOf(gpu);
  const options = readOptions(fn, given, wrapNames, meantTensor);
  if (typeof buffer?.usage !== 'number' || typeof buffer.size !== 'number') {
    throw new ValidationError(`${fn}: buffer must be a GPUBuffer; got ${show(buffer)}.`);
  }
  const dtype = checkDType(fn, options.dtype);
  const shape = checkShape(fn, options.shape, dtype);
  const { byteOffset = 0, label = buffer.label || 'heed wrapped' } = options;
  checkLabel(fn, label);
  const strides = checkStrides(options.strides ?? rowMajorStrides(shape), shape);
  if (!(buffer.usage & STORAGE)) {
    throw new ValidationError(
      `${fn}: buffer "${label}" lacks STORAGE; its usage is ${buffer.usage}. Create it with GPUBufferUsage.STORAGE.`,
    );
  }
  const bytes = bytesPerElement[dtype];
  if (!Number.isSafeInteger(byteOffset) || byteOffset < 0 || byteOffset % bytes !== 0) {
    throw new ValidationError(
      `${fn}: byteOffset must be a multiple of ${bytes} for ${dtype}, from 0 on; got ${show(byteOffset)}.`,
    );
  }
  const extent = elementExtent(shape, strides) * bytes;
  if (alignUp(byteOffset + extent, 4) > buffer.size && extent > 0) {
    throw new ValidationError(
      `${fn}: shape ${formatShape(shape)} with strides ${formatShape(strides)} at byte ${byteOffset} needs ${alignUp(byteOffset + extent, 4)} bytes ` +
        `(whole 32-bit words); buffer "${label}" has ${buffer.size}. Make the buffer larger or the shape smaller.`,
    );
  }
  return ownerTensor(gpu, { byteOffset, shape, strides, dtype }, label, {
    buffer,
    pooled: false,
    owners: 1,
  });
}

function checkStrides(strides: readonly number[], shape: readonly number[]): number[] {
  const sound =
    Array.isArray(strides) &&
    strides.length === shape.length &&
    strides.every((s) => Number.isSafeInteger(s) && s >= 0);
  if (!sound) {
    throw new ValidationError(
      `gpu.wrap: strides must be ${shape.length} whole numbers from 0 on, in elements; got ${show(strides)}.`,
    );
  }
  return [...strides];
}
