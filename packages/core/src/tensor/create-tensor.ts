import { tryBuffer } from '../host/buffer-pool.ts';
import { stateOf } from '../host/gpu-state.ts';
import { alignUp, STORAGE } from '../text/buffer-range.ts';
import { bytesPerElement, type DType, hasEvenRows, type TypedArray } from '../text/dtype.ts';
import { dtypeOf, encodeElements, layBytes } from '../text/elements.ts';
import { checkLabel, fail, show, ValidationError } from '../text/errors.ts';
import type {
  BytesOptions,
  EmptyOptions,
  Gpu,
  Tensor,
  TensorOptions,
  WrapOptions,
} from '../text/gpu.ts';
import { type Meant, type NamesOf, optionsOf, readOptions } from '../text/read-options.ts';
import {
  checkDType,
  checkShape,
  elementCount,
  elementExtent,
  formatShape,
  rowMajorStrides,
} from '../text/shape.ts';
import type { View } from '../text/strided-view.ts';
import { ownerTensor, shapeOnly } from './tensor.ts';

export const emptyNames: NamesOf<EmptyOptions> = { dtype: 1, label: 1 };

export const tensorNames: NamesOf<TensorOptions> = { shape: 1, ...emptyNames };

export const bytesNames: NamesOf<BytesOptions> = { ...tensorNames };

export const wrapNames: NamesOf<WrapOptions> = { ...tensorNames, strides: 1, byteOffset: 1 };

/** Names of a tensor's options in other libraries. */
const meantTensor: Meant = () => ({
  type: 'dtype',
  name: 'label',
  dims: 'shape',
  size: 'shape',
  offset: 'byteOffset',
  ...optionsOf('gpu.wrap()', { strides: 1, byteOffset: 1 }),
});

const anonymous = 'heed tensor';

function newView(
  fn: string,
  gpu: Gpu,
  shape: readonly number[],
  type: DType = 'f32',
): { view: View; bytes: number } {
  const dtype = checkDType(fn, type);
  const checked = checkShape(fn, shape, dtype);
  const strides = rowMajorStrides(checked, hasEvenRows(dtype, gpu.capabilities));
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
  checkLabel(fn, label);
  const { view, bytes } = newView(fn, gpu, shape, dtype);
  const buffer = pool.acquire(fn, bytes, label);
  return ownerTensor(gpu, view, label, { buffer, pooled: true, owners: 1 });
}

/**
 * A tensor that is laid out as `gpu.empty` would, without memory: for plans, which shapes alone decide.
 * @throws ValidationError a bad shape
 */
export function shapeTensor(gpu: Gpu, shape: readonly number[], dtype?: DType): Tensor {
  return shapeOnly(gpu, newView('shapeTensor', gpu, shape, dtype).view);
}

/**
 * Allocates a large tensor, like `gpu.empty` but without rounding its size up. Resolves to undefined if the device has no memory for
 * it; `settled()` and `read()` do not report that. Rejects with a ValidationError for a bad shape, with a LimitError if it is larger than
 * one buffer of this device.
 * @param fn name of the function in messages
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

export function emptyTensor(gpu: Gpu, shape: readonly number[], options?: EmptyOptions): Tensor {
  const fn = 'gpu.empty';
  return allocate(fn, gpu, shape, readOptions(fn, options, emptyNames, meantTensor));
}

export function tensorFrom(
  gpu: Gpu,
  data: ArrayLike<number> | TypedArray,
  given: TensorOptions,
): Tensor {
  const fn = 'gpu.tensor';
  const options = readOptions(fn, given, tensorNames, meantTensor);
  if (typeof data !== 'object' || data === null || typeof data.length !== 'number') {
    fail(fn, 'data must be an array of numbers', show(data), 'Pass an array or a typed array.');
  }
  const dtype = checkDType(fn, options.dtype ?? dtypeOf(data));
  const shape = checkShape(fn, options.shape, dtype);
  if (elementCount(shape) !== data.length) {
    throw new ValidationError(
      `${fn}: the data length must be the product of the shape; got ${data.length} numbers for ${formatShape(shape)} (${elementCount(shape)}).`,
    );
  }
  const bytes = encodeElements(data, dtype, ...rowsOf(gpu, shape, dtype));
  return upload(fn, gpu, shape, { ...options, dtype }, bytes);
}

export function tensorFromBytes(
  gpu: Gpu,
  bytes: ArrayBufferView | ArrayBuffer,
  given: BytesOptions,
): Tensor {
  const fn = 'gpu.fromBytes';
  const options = readOptions(fn, given, bytesNames, meantTensor);
  const isView = ArrayBuffer.isView(bytes);
  if (!isView && !(bytes instanceof ArrayBuffer)) {
    fail(
      fn,
      'bytes must be an ArrayBuffer or a view of one',
      show(bytes),
      'Numbers: gpu.tensor().',
    );
  }
  const dtype = checkDType(fn, options.dtype);
  const shape = checkShape(fn, options.shape, dtype);
  const size = elementCount(shape) * bytesPerElement[dtype];
  if (size !== bytes.byteLength) {
    const rule = `${formatShape(shape)} ${dtype} is ${size} bytes`;
    fail(fn, rule, `${bytes.byteLength} bytes`, 'Pass the part of the file that is this tensor.');
  }
  const whole = isView
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, size)
    : new Uint8Array(bytes);
  return upload(fn, gpu, shape, options, layBytes(whole, ...rowsOf(gpu, shape, dtype)));
}

/** Returns the length of a row and the stride between rows, in elements. */
function rowsOf(gpu: Gpu, shape: readonly number[], dtype: DType): [row: number, stride: number] {
  const row = shape.at(-1) ?? 1;
  const padded = hasEvenRows(dtype, gpu.capabilities) && shape.length > 1;
  return [row, padded ? alignUp(row, 2) : row];
}

function upload(
  fn: string,
  gpu: Gpu,
  shape: readonly number[],
  options: EmptyOptions,
  bytes: ArrayBufferView,
): Tensor {
  const t = allocate(fn, gpu, shape, options);
  const { faults, device } = stateOf(gpu);
  if (bytes.byteLength > 0) {
    faults.scope(fn, ['validation'], () =>
      device.queue.writeBuffer(t.buffer, 0, bytes as ArrayBufferView<ArrayBuffer>),
    );
  }
  return t;
}

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
