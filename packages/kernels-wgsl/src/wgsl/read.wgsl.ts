import { wgsl } from '@heed/core/kernel';
import type { FloatType, ReadAccess } from '../config/forward.ts';

/** Element type of the storage array that a tensor is bound as. */
export function readElement(type: FloatType, access: ReadAccess): string {
  if (type === 'f32') return access === 'vec4' ? 'vec4<f32>' : 'f32';
  return access === 'vec4' ? 'vec2<u32>' : 'u32';
}

/** Bytes of one load, which the bound window must be a multiple of. */
export function readBytes(type: FloatType, access: ReadAccess): number {
  if (access === 'scalar') return 4;
  return type === 'f32' ? 16 : 8;
}

/**
 * `read_<name>(row, d)`: elements d to d + 3 of the row at element offset `row`, as f32; d is a multiple of 4. Elements from
 * `dim` on read as 0. f16 is unpacked from words, which needs no device feature.
 */
export function readWgsl(name: string, type: FloatType, access: ReadAccess, dim: number): string {
  if (access === 'vec4') return type === 'f32' ? vec4F32(name) : vec4F16(name);
  return wgsl`
    ${type === 'f32' ? scalarF32(name) : scalarF16(name)}

    fn read_${name}(row: u32, d: u32) -> vec4<f32> {
      var x = vec4<f32>(read_${name}_at(row + d * params.${name}_dim), 0.0, 0.0, 0.0);
      ${[1, 2, 3].map(
        (i) => wgsl`
          if (d + ${i}u < ${dim}u) {
            x[${i}] = read_${name}_at(row + (d + ${i}u) * params.${name}_dim);
          }
        `,
      )}
      return x;
    }
  `;
}

const vec4F32 = (name: string): string => wgsl`
  fn read_${name}(row: u32, d: u32) -> vec4<f32> {
    return ${name}[(row + d) / 4u];
  }
`;

const vec4F16 = (name: string): string => wgsl`
  fn read_${name}(row: u32, d: u32) -> vec4<f32> {
    let words = ${name}[(row + d) / 4u];
    return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
  }
`;

const scalarF32 = (name: string): string => wgsl`
  fn read_${name}_at(index: u32) -> f32 {
    return ${name}[index];
  }
`;

const scalarF16 = (name: string): string => wgsl`
  fn read_${name}_at(index: u32) -> f32 {
    let pair = unpack2x16float(${name}[index / 2u]);
    return select(pair.x, pair.y, index % 2u == 1u);
  }
`;
