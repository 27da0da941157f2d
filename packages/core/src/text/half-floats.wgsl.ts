import type { HalfType } from './dtype.ts';
import { wgsl } from './wgsl.ts';

/** Returns the WGSL of both numbers of a word, as a vec2<f32>. `word` is a name, not an expression. No feature is needed. */
export function unpackHalf(type: HalfType, word: string): string {
  if (type === 'f16') return `unpack2x16float(${word})`;
  return `bitcast<vec2<f32>>(vec2<u32>(${word} << 16u, ${word} & 0xffff0000u))`;
}

/**
 * Declares `round_f16` and `pack_f16`, or `round_bf16` and `pack_bf16`: an f32 to the nearest bits, ties to even, and two of them to
 * a word. They round in integers, since adapters round differently and one lets −∞ overwrite the other half. They have no branches,
 * which would be most of the text of a kernel that stores many halves.
 */
export function roundHalf(type: HalfType): string {
  return wgsl`
    ${rounding[type]}

    fn pack_${type}(low: f32, high: f32) -> u32 {
      return round_${type}(low) | (round_${type}(high) << 16u);
    }
  `;
}

const rounding: Readonly<Record<HalfType, string>> = {
  f16: wgsl`
    // f32 to f16 bits, round to nearest even.
    fn round_f16(x: f32) -> u32 {
      let bits = bitcast<u32>(x);
      let magnitude = i32(bits & 0x7fffffffu);
      // The mantissa with its hidden bit; above it, by how much the exponent exceeds that of the smallest normal half.
      let value = u32(max((magnitude & 0x7fffff) | 0x800000, magnitude - 0x38000000));
      // The bits that a half does not have: 13, and more in a subnormal half, whose unit is 2^-24.
      let shift = u32(clamp(126 - (magnitude >> 23u), 13, 31));
      let even = (value >> shift) & 1u;
      let rounded = (value + (0x7fffffffu >> (32u - shift)) + even) >> shift;
      return ((bits >> 16u) & 0x8000u) | select(min(rounded, 0x7c00u), 0x7e00u, magnitude > 0x7f800000);
    }
  `,
  bf16: wgsl`
    // f32 to bf16 bits, round to nearest even. A carry goes into the exponent, and from the largest number to infinity.
    fn round_bf16(x: f32) -> u32 {
      let bits = bitcast<u32>(x);
      let high = bits >> 16u;
      let rounded = (bits + 0x7fffu + (high & 1u)) >> 16u;
      return select(rounded, (high & 0x8000u) | 0x7fc0u, (bits & 0x7fffffffu) > 0x7f800000u);
    }
  `,
};
