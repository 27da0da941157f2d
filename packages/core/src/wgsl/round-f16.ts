import { wgsl } from './template.ts';

/** Rounded in integers: adapters differ in how a conversion to f16 rounds, and one lets −∞ spill into the other half. */
export const roundF16: string = wgsl`
  // f32 to f16 bits, round to nearest even.
  fn round_f16(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    let sign = (bits >> 16u) & 0x8000u;
    let magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) {
      return sign | 0x7e00u;
    }
    if (magnitude >= 0x477ff000u) {
      return sign | 0x7c00u;
    }
    if (magnitude < 0x38800000u) {
      // A subnormal half: the mantissa, hidden bit included, in units of 2^-24.
      let shift = min(126u - (magnitude >> 23u), 31u);
      let mantissa = (magnitude & 0x7fffffu) | 0x800000u;
      let kept = mantissa >> shift;
      let rest = mantissa - (kept << shift);
      let half = 1u << (shift - 1u);
      let up = rest > half || (rest == half && (kept & 1u) == 1u);
      return sign | (kept + select(0u, 1u, up));
    }
    let rebased = magnitude - 0x38000000u;
    return sign | ((rebased + 0xfffu + ((rebased >> 13u) & 1u)) >> 13u);
  }

  fn pack_f16(low: f32, high: f32) -> u32 {
    return round_f16(low) | (round_f16(high) << 16u);
  }
`;
