/** Element types. f16 storage works on every device; the `shader-f16` feature only makes it faster. */
export type DType = 'f32' | 'f16' | 'i32' | 'u32';

/** Bytes of one element in GPU memory. */
export const bytesPerElement: Readonly<Record<DType, 2 | 4>> = { f32: 4, f16: 2, i32: 4, u32: 4 };

/** True for the four names above and nothing else. */
export function isDType(x: unknown): x is DType {
  return typeof x === 'string' && Object.hasOwn(bytesPerElement, x);
}

/** Every typed array whose elements are numbers; those of BigInts must hold numbers that the dtype can. */
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

/** The type that data have by themselves: where it is not told, that of `gpu.tensor`. */
export type DTypeOf<Data> = Data extends Int32Array | BigInt64Array
  ? 'i32'
  : Data extends Uint32Array | BigUint64Array
    ? 'u32'
    : Data extends number[] | Float32Array | Float64Array
      ? 'f32'
      : DType;

/** What {@link Tensor.read} resolves to: f16 is widened to f32. */
export type ReadArray<D extends DType = DType> = D extends 'i32'
  ? Int32Array
  : D extends 'u32'
    ? Uint32Array
    : Float32Array;
