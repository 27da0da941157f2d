import { type DType, isHalf, type ReadArray, type TypedArray } from './dtype.ts';
import { fail, show } from './errors.ts';
import { packHalves, unpackHalves } from './half-floats.ts';
import { elementCount, isContiguous } from './shape.ts';

const natural: Readonly<Record<string, DType>> = {
  Int32Array: 'i32',
  Uint32Array: 'u32',
  BigInt64Array: 'i32',
  BigUint64Array: 'u32',
  Float16Array: 'f16',
};

/** Returns the default dtype of data. */
export function dtypeOf(data: ArrayLike<number> | TypedArray): DType {
  // The tag is the same for arrays of another realm, and for Float16Array in runtimes without it.
  const tag = (data as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? '';
  return natural[tag] ?? 'f32';
}

/**
 * Encodes numbers as `dtype`. Rows of `row` elements begin `rowStride` elements apart; the byte count is a multiple of 4.
 * @throws ValidationError an element that is no number, or that an integer type cannot hold
 */
export function encodeElements(
  data: ArrayLike<number> | TypedArray,
  dtype: DType,
  row: number,
  rowStride: number,
): ArrayBufferView {
  const numbers = checkNumbers(data);
  if (isHalf(dtype)) return padRows(packHalves(numbers, dtype), row, rowStride);
  if (dtype === 'f32') {
    return numbers instanceof Float32Array ? numbers : Float32Array.from(numbers);
  }
  if (dtype === dtypeOf(numbers)) return numbers as Int32Array | Uint32Array;
  const out = dtype === 'i32' ? Int32Array.from(numbers) : Uint32Array.from(numbers);
  for (let i = 0; i < out.length; i++) {
    if (out[i] === numbers[i]) continue;
    refuse(`${dtype} takes whole numbers in its range`, data[i], i, 'Round it, or use f32.');
  }
  return out;
}

function checkNumbers(data: ArrayLike<number> | TypedArray): ArrayLike<number> {
  if (ArrayBuffer.isView(data)) {
    const isBig = typeof data[0] === 'bigint';
    return isBig ? Float64Array.from(data as BigInt64Array, Number) : (data as ArrayLike<number>);
  }
  // A hole or a string would silently become NaN, and null would become 0.
  for (let i = 0; i < data.length; i++) {
    if (typeof data[i] !== 'number') refuse('data must be numbers', data[i], i, 'Fill it in.');
  }
  return data;
}

function refuse(rule: string, got: unknown, index: number, fix: string): never {
  return fail('gpu.tensor', rule, `${show(got)} at index ${index}`, fix);
}

/** Lays bytes out in rows that begin `rowStride` elements apart; the byte count is a multiple of 4. */
export function layBytes(bytes: Uint8Array, row: number, rowStride: number): ArrayBufferView {
  if (row === rowStride && bytes.length % 4 === 0) return bytes;
  // slice() copies, since the bytes may begin at an odd offset.
  return padRows(new Uint16Array(bytes.slice().buffer), row, rowStride);
}

function padRows(halves: Uint16Array, row: number, rowStride: number): Uint16Array {
  const rows = row === 0 ? 0 : halves.length / row;
  const length = rows * rowStride;
  if (length === halves.length && length % 2 === 0) return halves;
  const out = new Uint16Array(length + (length & 1));
  for (let r = 0; r < rows; r++) out.set(halves.subarray(r * row, (r + 1) * row), r * rowStride);
  return out;
}

/** The array class that holds the stored elements of each dtype. */
export const arrays: Readonly<{
  f32: Float32ArrayConstructor;
  f16: Uint16ArrayConstructor;
  bf16: Uint16ArrayConstructor;
  i32: Int32ArrayConstructor;
  u32: Uint32ArrayConstructor;
}> = {
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
};

type RawArray = ReadArray | Uint16Array;

/** Copies a strided array into a dense one, in row-major order. */
export function gather(
  raw: RawArray,
  shape: readonly number[],
  strides: readonly number[],
  dtype: DType,
): RawArray {
  if (isContiguous(shape, strides)) return raw.slice();
  const out = new arrays[dtype](elementCount(shape));
  const rank = shape.length;
  const index = new Array<number>(rank).fill(0);
  const inner = shape[rank - 1]!;
  const step = strides[rank - 1]!;
  let from = 0;
  for (let to = 0; to < out.length;) {
    for (let i = 0; i < inner; i++) out[to++] = raw[from + i * step]!;
    for (let axis = rank - 2; axis >= 0; axis--) {
      const stride = strides[axis]!;
      from += stride;
      index[axis] = index[axis]! + 1;
      if (index[axis]! < shape[axis]!) break;
      from -= stride * shape[axis]!;
      index[axis] = 0;
    }
  }
  return out;
}

export function widen(raw: RawArray, dtype: DType): ReadArray {
  return isHalf(dtype) ? unpackHalves(raw as Uint16Array, dtype) : (raw as ReadArray);
}
