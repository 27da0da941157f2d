import type { EmptyOptions, Gpu, Tensor, TensorOptions, WrapOptions } from '../api.ts';
import { alignUp } from '../buffers/range.ts';
import { tryBuffer } from '../buffers/try-buffer.ts';
import { STORAGE } from '../buffers/usage.ts';
import { stateOf } from '../device/state.ts';
import { bytesPerElement, type DType, type TypedArray } from '../dtype.ts';
import { ValidationError } from '../errors.ts';
import { elementCount, elementExtent, rowMajorStrides, formatShape } from '../layout/shape.ts';
import { dtypeOf, encodeElements } from './encode.ts';
import { show } from '../fail.ts';
import { checkDType, checkShape } from './shape-check.ts';
import { ownerTensor } from './tensor.ts';
import type { View } from './view.ts';

const anonymous = 'heed tensor';

function newView(
  fn: string,
  gpu: Gpu,
  shape: readonly number[],
  type: DType = 'f32',
): { view: View; bytes: number } {
  const dtype = checkDType(fn, type);
  const checked = checkShape(fn, shape, dtype);
  // Without shader-f16 a 32-bit word has one writer, so no two rows may share one.
  const strides = rowMajorStrides(checked, dtype === 'f16' && !gpu.capabilities.f16);
  const bytes = alignUp(elementExtent(checked, strides) * bytesPerElement[dtype], 4);
  return { view: { byteOffset: 0, shape: checked, strides, dtype }, bytes };
}

function allocate(
  fn: string,
  gpu: Gpu,
  shape: readonly number[],
  { dtype, label = anonymous }: EmptyOptions,
): Tensor {
  const { pool } = stateOf(gpu);
  const { view, bytes } = newView(fn, gpu, shape, dtype);
  const buffer = pool.acquire(fn, bytes, label);
  return ownerTensor(gpu, view, label, { buffer, pooled: true, owners: 1 });
}

/**
 * As `gpu.empty`, for what is large: takes exactly its bytes, and resolves to undefined where the device has no room for
 * them, which `settled()` and `read()` then do not report.
 * @param fn the function to blame
 * @throws ValidationError (as a rejection, like the next) a bad shape
 * @throws LimitError larger than one buffer of this device
 */
export async function tryEmpty(
  fn: string,
  gpu: Gpu,
  shape: readonly number[],
  { dtype, label = anonymous }: EmptyOptions = {},
): Promise<Tensor | undefined> {
  const state = stateOf(gpu);
  const { view, bytes } = newView(fn, gpu, shape, dtype);
  const buffer = await tryBuffer(state, fn, bytes, label);
  return buffer && ownerTensor(gpu, view, label, { buffer, pooled: true, owners: 1 });
}

export function emptyTensor(
  gpu: Gpu,
  shape: readonly number[],
  options: EmptyOptions = {},
): Tensor {
  return allocate('gpu.empty', gpu, shape, options);
}

export function tensorFrom(
  gpu: Gpu,
  data: ArrayLike<number> | TypedArray,
  options: TensorOptions,
): Tensor {
  const fn = 'gpu.tensor';
  if (typeof data !== 'object' || data === null || typeof data.length !== 'number') {
    throw new ValidationError(
      `${fn}: data must be an array of numbers; got ${show(data)}. Pass an array or a typed array.`,
    );
  }
  const dtype = checkDType(fn, options?.dtype ?? dtypeOf(data));
  const shape = checkShape(fn, options?.shape, dtype);
  if (elementCount(shape) !== data.length) {
    throw new ValidationError(
      `${fn}: the data length must be the product of the shape; got ${data.length} numbers for ${formatShape(shape)} (${elementCount(shape)}).`,
    );
  }
  const row = shape.at(-1) ?? 1;
  const padded = dtype === 'f16' && !gpu.capabilities.f16 && shape.length > 1;
  const bytes = encodeElements(data, dtype, row, padded ? alignUp(row, 2) : row);
  const t = allocate(fn, gpu, shape, { ...options, dtype });
  const { faults, device } = stateOf(gpu);
  if (bytes.byteLength > 0) {
    faults.scope(fn, ['validation'], () =>
      device.queue.writeBuffer(t.buffer, 0, bytes as ArrayBufferView<ArrayBuffer>),
    );
  }
  return t;
}

export function wrapBuffer(gpu: Gpu, buffer: GPUBuffer, options: WrapOptions): Tensor {
  const fn = 'gpu.wrap';
  stateOf(gpu);
  if (typeof buffer?.usage !== 'number' || typeof buffer.size !== 'number') {
    throw new ValidationError(`${fn}: buffer must be a GPUBuffer; got ${show(buffer)}.`);
  }
  const dtype = checkDType(fn, options?.dtype);
  const shape = checkShape(fn, options?.shape, dtype);
  const { byteOffset = 0, label = buffer.label || 'heed wrapped' } = options;
  const strides = checkStrides(options.strides ?? rowMajorStrides(shape), shape);
  if (!(buffer.usage & STORAGE)) {
    throw new ValidationError(
      `${fn}: buffer "${label}" lacks STORAGE; its usage is ${buffer.usage}. Create it with GPUBufferUsage.STORAGE.`,
    );
  }
  const bytes = bytesPerElement[dtype];
  if (!Number.isSafeInteger(byteOffset) || byteOffset < 0 || byteOffset % bytes !== 0) {
    throw new ValidationError(
      `${fn}: byteOffset must be a multiple of ${bytes} for ${dtype}, from 0 on; got ${byteOffset}.`,
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
      `gpu.wrap: strides must be ${shape.length} whole numbers from 0 on, in elements; got [${String(strides)}].`,
    );
  }
  return [...strides];
}
