import { wgsl } from '@heed/core/kernel';
import type { FloatType, WriteAccess } from '../config/forward.ts';
import { plus } from './plus.ts';

export { roundF16 } from '@heed/core/kernel';

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

// A half widened and converted back is the same half. The plain way, a bitcast to vec2<f16>, does not compile in every engine.
const scalars = (type: FloatType, dim: number): string => {
  const value = (i: number): string =>
    type === 'f32' ? `x[${i}]` : `f16(unpack2x16float(round_f16(x[${i}])).x)`;
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
