const f32 = new Float32Array(1);
const u32 = new Uint32Array(f32.buffer);
let table: Float32Array | undefined;

/** The IEEE binary16 bits nearest to `x`, ties to even: one rounding, also from a float64. */
export function toHalf(x: number): number {
  const a = Math.abs(x);
  f32[0] = x;
  const bits = u32[0]!;
  const sign = (bits >>> 16) & 0x8000;
  if (!(a < 65520)) return a > 0 ? sign | 0x7c00 : 0x7e00;
  // Biased binary32 exponent. Had float32 rounded up to the next power of two, so would binary16.
  const exponent = Math.max(113, (bits >>> 23) & 255);
  u32[0] = (264 - exponent) << 23;
  // In units of the last place of that exponent; adding 2⁵² makes float64 round to whole numbers, to even.
  const units = a * f32[0] + 2 ** 52 - 2 ** 52;
  return sign | ((exponent - 113) * 1024 + units);
}

/** The number that IEEE binary16 bits stand for. */
export function fromHalf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const mantissa = half & 0x3ff;
  if (exponent === 0) return sign * mantissa * 2 ** -24;
  if (exponent === 31) return mantissa ? NaN : sign * Infinity;
  return sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

/** Packs numbers to halves, each rounded once to nearest even. */
export function packHalves(data: ArrayLike<number>): Uint16Array<ArrayBuffer> {
  const out = new Uint16Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = toHalf(data[i]!);
  return out;
}

/** Widens halves to float32, exactly. */
export function unpackHalves(halves: Uint16Array): Float32Array<ArrayBuffer> {
  table ??= Float32Array.from({ length: 65536 }, (_, bits) => fromHalf(bits));
  const out = new Float32Array(halves.length);
  for (let i = 0; i < out.length; i++) out[i] = table[halves[i]!]!;
  return out;
}
