/** Element types. f16 storage works on every device; the feature `shader-f16` only makes it faster. */
export type DType = 'f32' | 'f16' | 'i32' | 'u32';

/** Bytes of one element in GPU memory. */
export const bytesPerElement: Readonly<Record<DType, 2 | 4>> = { f32: 4, f16: 2, i32: 4, u32: 4 };

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

/** The array that {@link Tensor.read} resolves to; f16 becomes f32. */
export type ReadArray<D extends DType = DType> = D extends 'i32'
  ? Int32Array
  : D extends 'u32'
    ? Uint32Array
    : Float32Array;

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);
let table: Float32Array | undefined;

/** Returns the IEEE binary16 bits nearest to `x`, ties to even; rounds once, also from a float64. */
export function toHalf(x: number): number {
  const a = Math.abs(x);
  f32[0] = x;
  const bits = u32[0]!;
  const sign = (bits >>> 16) & 0x8000;
  if (!(a < 65520)) return a > 0 ? sign | 0x7c00 : 0x7e00;
  // The biased binary32 exponent. If float32 rounds up to the next power of two, so does binary16.
  const exponent = Math.max(113, (bits >>> 23) & 255);
  u32[0] = (264 - exponent) << 23;
  // In units of the last place of that exponent. Adding 2⁵² makes float64 round to whole numbers, ties to even.
  const units = a * f32[0] + 2 ** 52 - 2 ** 52;
  return sign | ((exponent - 113) * 1024 + units);
}

/** Returns the number that IEEE binary16 bits encode. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** Converts numbers to halves, each rounded once to nearest even. */
export function packHalves(data: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = toHalf(data[i]!);
  return out;
}

/** Converts halves to float32; exact. */
export function unpackHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => fromHalf(bits));
  const out = new Float32Array(halves.length);
  for (let i = 0; i < out.length; i++) out[i] = table[halves[i]!]!;
  return out;
}
