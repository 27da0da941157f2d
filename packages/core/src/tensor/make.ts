import type { BytesOptions, EmptyOptions, Gpu, Tensor, TensorOptions } from '../api.ts';
import { alignUp } from '../buffers/range.ts';
import { tryBuffer } from '../buffers/try-buffer.ts';
import { stateOf } from '../device/state.ts';
import { bytesPerElement, type DType, type TypedArray } from '../dtype.ts';
import { ValidationError } from '../errors.ts';
import { elementCount, elementExtent, rowMajorStrides, formatShape } from '../layout/shape.ts';
import { fail, show } from '../fail.ts';
import { readOptions } from '../options/read-options.ts';
import { dtypeOf, encodeElements, layBytes } from './encode.ts';
import { bytesNames, emptyNames, meantTensor, tensorNames } from './option-names.ts';
import { checkDType, checkLabel, checkShape } from './shape-check.ts';
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
  checkLabel(fn, label);
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

/** Elements of a row, and from one to the next. */
function rowsOf(gpu: Gpu, shape: readonly number[], dtype: DType): [row: number, stride: number] {
  const row = shape.at(-1) ?? 1;
  const padded = dtype === 'f16' && !gpu.capabilities.f16 && shape.length > 1;
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
