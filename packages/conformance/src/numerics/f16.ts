const scratch: DataView = new DataView(new ArrayBuffer(8));

/**
 * The binary16 bit pattern nearest to `x`, ties to even; overflow gives infinity, NaN stays NaN.
 * Written from IEEE 754-2019 §4.3.1 in arithmetic, so that it shares nothing with the code under test,
 * which packs by shifting bits.
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
  // A carry out of the 10 fraction bits moves into the exponent field by itself.
  return sign | (((exponent + 14) << 10) + roundHalfEven(magnitude * 2 ** (10 - exponent)));
}

/** The value of a binary16 bit pattern. */
export function f16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** `x` rounded to the nearest binary16 value, ties to even. */
export function roundToF16(x: number): number {
  return f16Value(f16Bits(x));
}

/** The nearest integer, ties to even. */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  if (rest > 0.5) return floor + 1;
  if (rest < 0.5) return floor;
  return floor % 2 === 0 ? floor : floor + 1;
}
