import type { DType, TypedArray } from '../dtype.ts';
import { ValidationError } from '../errors.ts';
import { packHalves } from '../f16.ts';

const natural: Readonly<Record<string, DType>> = {
  Int32Array: 'i32',
  Uint32Array: 'u32',
  Float16Array: 'f16',
};

/** The type that data have by themselves. */
export function dtypeOf(data: ArrayLike<number>): DType {
  // By tag: arrays of another realm too, and Float16Array where this runtime has none.
  const tag = (data as { readonly [Symbol.toStringTag]?: string })[Symbol.toStringTag] ?? '';
  return natural[tag] ?? 'f32';
}

/**
 * Numbers as the bytes of `dtype`, a multiple of 4, rows of `row` elements apart by `rowStride`.
 * @throws ValidationError a value that an integer type cannot hold
 */
export function encodeElements(
  data: ArrayLike<number> | TypedArray,
  dtype: DType,
  row: number,
  rowStride: number,
): ArrayBufferView {
  if (dtype === 'f16') return padRows(packHalves(data), row, rowStride);
  if (dtype === 'f32') return data instanceof Float32Array ? data : Float32Array.from(data);
  if (dtype === dtypeOf(data)) return data as Int32Array | Uint32Array;
  const out = dtype === 'i32' ? Int32Array.from(data) : Uint32Array.from(data);
  for (let i = 0; i < out.length; i++) {
    if (out[i] !== data[i]) {
      throw new ValidationError(
        `gpu.tensor: ${dtype} takes whole numbers in its range; got ${data[i]} at index ${i}. Round it, or use f32.`,
      );
    }
  }
  return out;
}

function padRows(halves: Uint16Array, row: number, rowStride: number): Uint16Array {
  const rows = row === 0 ? 0 : halves.length / row;
  const length = rows * rowStride;
  if (length === halves.length && length % 2 === 0) return halves;
  const out = new Uint16Array(length + (length & 1));
  for (let r = 0; r < rows; r++) out.set(halves.subarray(r * row, (r + 1) * row), r * rowStride);
  return out;
}
