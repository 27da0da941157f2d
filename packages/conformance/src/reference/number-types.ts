const scratch: DataView = new DataView(new ArrayBuffer(8));

/**
 * Returns the binary16 bit pattern nearest to `x`, ties to even. Overflow gives infinity, NaN stays NaN. Written with arithmetic
 * from IEEE 754-2019 §4.3.1, so that it shares nothing with the code under test, which packs by shifting bits.
 */
export function f16Bits(x: number): number {
  scratch.setFloat64(0, x);
  const high = scratch.getUint32(0);
  const sign = (high >>> 16) & 0x8000;
  if (Number.isNaN(x)) return 0x7e00;
  const magnitude = Math.abs(x);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundHalfEven(magnitude * 2 ** 24);
  const exponent = ((high >>> 20) & 0x7ff) - 1023;
  // A carry out of the 10 fraction bits increments the exponent field.
  return sign | (((exponent + 14) << 10) + roundHalfEven(magnitude * 2 ** (10 - exponent)));
}

/** Returns the value of a binary16 bit pattern. */
export function f16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Rounds to the nearest binary16 value, ties to even. */
export function roundToF16(x: number): number {
  return f16Value(f16Bits(x));
}

/** Rounds to the nearest integer, ties to even. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest > 0.5) return floor + 1;
  if (rest < 0.5) return floor;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** Returns the value of a bfloat16 bit pattern. */
export function bf16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 7) & 255;
  const fraction = bits & 127;
  if (exponent === 255) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -133
    : sign * (1 + fraction / 128) * 2 ** (exponent - 127);
}

/** Rounds to the nearest f32, and from there to the nearest bf16, ties to even. From 2¹²⁸ on the result is ±∞. */
function roundToBf16(x: number): number {
  const y = Math.fround(x);
  if (y === 0 || !Number.isFinite(y)) return y;
  const unit = ulp(y, 'bf16');
  const magnitude = roundHalfEven(Math.abs(y) / unit) * unit;
  return Math.sign(y) * (magnitude < 2 ** 128 ? magnitude : Infinity);
}

/** Storage types of tensors. */
export type FloatDType = 'f32' | 'f16' | 'bf16';

/** Every storage type of tensors. */
export const floatDTypes: readonly FloatDType[] = ['f32', 'f16', 'bf16'];

/** True for a storage type of tensors; integer tables have others. */
export function isFloat(dtype: string): dtype is FloatDType {
  return floatDTypes.includes(dtype as FloatDType);
}

const rounding: Readonly<Record<FloatDType, (x: number) => number>> = {
  f32: Math.fround,
  f16: roundToF16,
  bf16: roundToBf16,
};

/** Rounds to a value of the storage type. */
export function toStorage(x: number, dtype: FloatDType): number {
  return rounding[dtype](x);
}

/** Fraction bits, and the exponent of the smallest normal number. */
const widths: Readonly<Record<FloatDType, readonly [number, number]>> = {
  f32: [23, -126],
  f16: [10, -14],
  bf16: [7, -126],
};

/** Returns the distance from |x| to the next larger value of the storage type. */
export function ulp(x: number, dtype: FloatDType): number {
  const [fractionBits, minExponent] = widths[dtype];
  const magnitude = Math.abs(x);
  const exponent = magnitude === 0 ? minExponent : Math.floor(Math.log2(magnitude));
  return 2 ** (Math.max(exponent, minExponent) - fractionBits);
}

type Floats = Float32Array | Float64Array;

/** The arithmetic of a computation: how it rounds, and its two inner loops. */
export interface Arithmetic {
  readonly round: (x: number) => number;
  readonly scratch: (length: number) => Floats;
  /** Σ a[ia + d] · b[ib + d] for d < n, summed in order. */
  readonly dot: (a: Floats, ia: number, b: Floats, ib: number, n: number) => number;
  /** sum[at + d] += weight · x[ix + d] for d < n; `at` is 0 by default. */
  readonly addScaled: (
    sum: Floats,
    weight: number,
    x: Floats,
    ix: number,
    n: number,
    at?: number,
  ) => void;
}

/** Float64 throughout: the arithmetic of the reference. */
export const float64: Arithmetic = {
  round: (x) => x,
  scratch: (length) => new Float64Array(length),
  dot(a, ia, b, ib, n) {
    let sum = 0;
    for (let d = 0; d < n; d++) sum += (a[ia + d] as number) * (b[ib + d] as number);
    return sum;
  },
  addScaled(sum, weight, x, ix, n, at = 0) {
    for (let d = 0; d < n; d++) sum[at + d]! += weight * (x[ix + d] as number);
  },
};

/** Every operation rounded to float32, none fused: the arithmetic of a plain f32 program. */
export const float32: Arithmetic = {
  round: Math.fround,
  scratch: (length) => new Float32Array(length),
  dot(a, ia, b, ib, n) {
    let sum = 0;
    for (let d = 0; d < n; d++) {
      sum = Math.fround(sum + Math.fround((a[ia + d] as number) * (b[ib + d] as number)));
    }
    return sum;
  },
  addScaled(sum, weight, x, ix, n, at = 0) {
    for (let d = 0; d < n; d++) {
      sum[at + d] = Math.fround(sum[at + d]! + Math.fround(weight * (x[ix + d] as number)));
    }
  },
};
