import { wgsl } from '@heed/core/kernel';
import type { FloatType, WriteAccess } from '../config/forward.ts';
import { plus } from './plus.ts';

/** Element type of the storage array that `out` is bound as. */
export function writeElement(type: FloatType, access: WriteAccess): string {
  if (type === 'f32') return access === 'vec4' ? 'vec4<f32>' : 'f32';
  if (access === 'vec4') return 'vec2<u32>';
  return access === 'pair' ? 'u32' : 'f16';
}

/** Bytes of one store. */
export function writeBytes(type: FloatType, access: WriteAccess): number {
  if (access === 'vec4') return type === 'f32' ? 16 : 8;
  return 4;
}

/** `write_<name>(row, d, x)`: elements d to d + 3 of `out`'s row at element offset `row`, leaving out those from `dim` on. */
export function writeWgsl(type: FloatType, access: WriteAccess, dim: number, name = 'out'): string {
  return wgsl`
    fn write_${name}(row: u32, d: u32, x: vec4<f32>) {
      ${access === 'vec4' && `out[(row + d) / 4u] = ${type === 'f32' ? 'x' : 'vec2<u32>(pack_f16(x.x, x.y), pack_f16(x.z, x.w))'};`}
      ${access === 'pair' && pairs(dim)}
      ${access === 'scalar' && scalars(type, dim)}
    }
  `;
}

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

// Rows start on whole words, so every word has one writer; a half after an odd row belongs to somebody else and is kept.
const pairs = (dim: number): string => {
  const store = (i: 0 | 2, low: string, high: string): string => {
    const target = `out[${plus('word', i / 2)}]`;
    return wgsl`
      if (d + ${i + 1}u < ${dim}u) {
        ${target} = pack_f16(${low}, ${high});
      } else if (${plus('d', i)} < ${dim}u) {
        ${target} = (${target} & 0xffff0000u) | round_f16(${low});
      }
    `;
  };
  return wgsl`
    let word = (row + d) / 2u;
    ${store(0, 'x.x', 'x.y')}
    ${store(2, 'x.z', 'x.w')}
  `;
};

const scalars = (type: FloatType, dim: number): string => {
  const value = (i: number): string =>
    type === 'f32' ? `x[${i}]` : `bitcast<vec2<f16>>(round_f16(x[${i}])).x`;
  return wgsl`
    out[row + d * params.out_dim] = ${value(0)};
    ${[1, 2, 3].map(
      (i) => wgsl`
        if (d + ${i}u < ${dim}u) {
          out[row + (d + ${i}u) * params.out_dim] = ${value(i)};
        }
      `,
    )}
  `;
};
