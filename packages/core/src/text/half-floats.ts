import type { HalfType } from './dtype.ts';

const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);

/**
 * Returns the bits nearest to `x`, ties to even; beyond the largest finite number ±∞. binary16 (f16) rounds once, also from a
 * float64. bf16 is rounded from the nearest f32, as on the GPU, and its NaN is 0x7fc0 with the sign.
 */
export function toHalf(x: number, type: HalfType = 'f16'): number {
  f32[0] = x;
  return type === 'f16' ? toBinary16(x, u32[0]!) : toBfloat16(u32[0]!);
}

/** @param bits those of `x` in f32 */
function toBinary16(x: number, bits: number): number {
  const a = Math.abs(x);
  const sign = (bits >>> 16) & 0x8000;
  if (!(a < 65520)) return a > 0 ? sign | 0x7c00 : 0x7e00;
  // The biased binary32 exponent. If float32 rounds up to the next power of two, so does binary16.
  const exponent = Math.max(113, (bits >>> 23) & 255);
  u32[0] = (264 - exponent) << 23;
  // In units of the last place of that exponent. Adding 2⁵² makes float64 round to whole numbers, ties to even.
  const units = a * f32[0]! + 2 ** 52 - 2 ** 52;
  return sign | ((exponent - 113) * 1024 + units);
}

function toBfloat16(bits: number): number {
  const high = bits >>> 16;
  if ((bits & 0x7fffffff) > 0x7f800000) return (high & 0x8000) | 0x7fc0;
  return (bits + 0x7fff + (high & 1)) >>> 16;
}

/** Returns the number that the bits encode. */
export function fromHalf(half: number, type: HalfType = 'f16'): number {
  if (type === 'bf16') {
    u32[0] = half << 16;
    return f32[0]!;
  }
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** Converts numbers to 16-bit floats, as {@link toHalf} does. */
export function packHalves(
  data: ArrayLike<number>,
  type: HalfType = 'f16',
): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = toHalf(data[i]!, type);
  return out;
}

let table: Float32Array | undefined;

/** Converts 16-bit floats to float32; exact. */
export function unpackHalves(
  halves: Uint16Array,
  type: HalfType = 'f16',
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(halves.length);
  if (type === 'bf16') {
    // As bits, so that a NaN keeps its own.
    const bits = new Uint32Array(out.buffer);
    for (let i = 0; i < out.length; i++) bits[i] = halves[i]! << 16;
    return out;
  }
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => fromHalf(bits));
  for (let i = 0; i < out.length; i++) out[i] = table[halves[i]!]!;
  return out;
}
