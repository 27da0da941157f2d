/** Element types. f16 and bf16 are storage, on every device; arithmetic is f32. The feature `shader-f16` only makes f16 faster. */
export type DType = 'f32' | 'f16' | 'bf16' | 'i32' | 'u32';

/** The types of numbers. */
export type FloatType = Exclude<DType, 'i32' | 'u32'>;

/** The 16-bit floats, of which a 32-bit word holds two, the first in its low half. */
export type HalfType = Exclude<FloatType, 'f32'>;

/** Bytes of one element in GPU memory. */
export const bytesPerElement: Readonly<Record<DType, 2 | 4>> = {
  f32: 4,
  f16: 2,
  bf16: 2,
  i32: 4,
  u32: 4,
};

/** Every type of numbers. */
export const floatTypes: readonly FloatType[] = ['f32', 'f16', 'bf16'];

/** True for the 16-bit floats. */
export function isHalf(dtype: string): dtype is HalfType {
  return dtype === 'f16' || dtype === 'bf16';
}

/**
 * True if kernels that write this type store whole words, so that no two rows may share one: bf16, and f16 without `shader-f16`.
 * The rows of such a tensor begin at even elements.
 */
export function hasEvenRows(dtype: DType, { f16 }: { readonly f16: boolean }): boolean {
  return dtype === 'bf16' || (dtype === 'f16' && !f16);
}

/** True for the name of an element type. */
export function isDType(x: unknown): x is DType {
  return typeof x === 'string' && Object.hasOwn(bytesPerElement, x);
}

/** A typed array. BigInts must be in the range of the dtype. */
export type TypedArray =
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array;

/** The default dtype of `gpu.tensor` for data of this type. */
export type DTypeOf<Data> = Data extends Int32Array | BigInt64Array
  ? 'i32'
  : Data extends Uint32Array | BigUint64Array
    ? 'u32'
    : Data extends number[] | Float32Array | Float64Array
      ? 'f32'
      : DType;

/** The array that {@link Tensor.read} resolves to; f16 and bf16 become f32. */
export type ReadArray<D extends DType = DType> = D extends 'i32'
  ? Int32Array
  : D extends 'u32'
    ? Uint32Array
    : Float32Array;
