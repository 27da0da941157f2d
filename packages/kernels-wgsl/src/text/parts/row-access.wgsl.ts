import {
  type HalfType,
  isHalf,
  isQuantised,
  type QuantFormat,
  unpackHalf,
  valuesPerWord,
  wgsl,
} from '@heed/core/kernel';
import type { FloatType, KeyType, ReadAccess, WriteAccess } from './kinds.ts';
import { plus } from './repeat.ts';
import type { KernelPart } from './kernel-parts.ts';
import { strideFields } from './params.ts';

/** Returns the element type of the storage array that a tensor is bound as. */
export function readElement(type: KeyType, access: ReadAccess): string {
  if (isQuantised(type)) return 'u32';
  if (type === 'f32') return access === 'scalar' ? 'f32' : 'vec4<f32>';
  return { vec8: 'vec4<u32>', vec4: 'vec2<u32>', scalar: 'u32' }[access];
}

/** Returns the bytes of one load. The size of the bound window must be a multiple of it. */
export function readBytes(type: KeyType, access: ReadAccess): number {
  if (isQuantised(type) || access === 'scalar') return 4;
  return type === 'f32' || access === 'vec8' ? 16 : 8;
}

/**
 * Declares `read_<name>(row, d)`: elements d to d + 3 of the row at element offset `row`, as f32; d is a multiple of 4.
 * Elements from `dim` on read as 0 in rows of floats, and as the padding of the last word in rows of integers; no product
 * and no result uses them. 16-bit floats are unpacked from words, which needs no device feature.
 */
export function readPart(name: string, type: KeyType, access: ReadAccess, dim: number): KernelPart {
  return { fields: strideFields(name, 'dim'), text: readText(name, type, access, dim) };
}

function readText(name: string, type: KeyType, access: ReadAccess, dim: number): string {
  if (isQuantised(type)) return integers(name, type);
  if (access !== 'scalar') {
    if (type === 'f32') return vec4F32(name);
    return access === 'vec8' ? vec8Half(name, type) : vec4Half(name, type);
  }
  return wgsl`
    ${type === 'f32' ? scalarF32(name) : scalarHalf(name, type)}

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

const unpack4 = (type: HalfType): string =>
  `vec4<f32>(${unpackHalf(type, 'words.x')}, ${unpackHalf(type, 'words.y')})`;

const vec4Half = (name: string, type: HalfType): string => wgsl`
  fn read_${name}(row: u32, d: u32) -> vec4<f32> {
    let words = ${name}[(row + d) / 4u];
    return ${unpack4(type)};
  }
`;

const vec8Half = (name: string, type: HalfType): string => wgsl`
  fn load_${name}(row: u32, d: u32) -> vec4<u32> {
    return ${name}[(row + d) / 8u];
  }

  fn unpack_${name}(words: vec2<u32>) -> vec4<f32> {
    return ${unpack4(type)};
  }

  fn read_${name}(row: u32, d: u32) -> vec4<f32> {
    let words = load_${name}(row, d);
    return unpack_${name}(select(words.xy, words.zw, (row + d) % 8u == 4u));
  }
`;

const scalarF32 = (name: string): string => wgsl`
  fn read_${name}_at(index: u32) -> f32 {
    return ${name}[index];
  }
`;

const scalarHalf = (name: string, type: HalfType): string => wgsl`
  fn read_${name}_at(index: u32) -> f32 {
    let word = ${name}[index / 2u];
    let pair = ${unpackHalf(type, 'word')};
    return select(pair.x, pair.y, index % 2u == 1u);
  }
`;

// Shifts left to the sign bit, then right again: this extends an integer of few bits to 32 bits.
const integers = (name: string, type: QuantFormat): string => {
  const count = valuesPerWord[type];
  const bits = 32 / count;
  const up = [1, 2, 3, 4].map((i) => `${32 - i * bits}u`).join(', ');
  return wgsl`
    fn scale_${name}(row: u32) -> f32 {
      return bitcast<f32>(${name}[row]);
    }

    fn load_${name}(row: u32, d: u32) -> u32 {
      return ${name}[row + (1u + d / ${count}u) * params.${name}_dim];
    }

    fn unpack_${name}(word: u32) -> vec4<f32> {
      return vec4<f32>(vec4<i32>(vec4<u32>(word) << vec4<u32>(${up})) >> vec4<u32>(${32 - bits}u));
    }

    fn read_${name}(row: u32, d: u32) -> vec4<f32> {
      return scale_${name}(row) * unpack_${name}(load_${name}(row, d)${count > 4 && ` >> (d % ${count}u * ${bits}u)`});
    }
  `;
};

/** How a thread loads elements of a row now and unpacks them later, which takes fewer registers in between. */
export interface PackedRead {
  /** Elements per load; a load begins at a multiple of them. */
  readonly elements: 4 | 8;
  /** Whether the unpacked values must be multiplied by the scale of their row. */
  readonly isScaled: boolean;
  readonly load: (row: string, d: string) => string;
  /** Returns the unpacked values of one load, four each. */
  readonly vectors: (loaded: string) => readonly string[];
}

/** Returns the loads of a tensor that `readPart` declares. */
export function packedRead(name: string, type: KeyType, access: ReadAccess): PackedRead {
  const isScaled = isQuantised(type);
  const unpack = (of: string): string => `unpack_${name}(${of})`;
  const load = (row: string, d: string): string => `load_${name}(${row}, ${d})`;
  if (type === 'int8') return { elements: 4, isScaled, load, vectors: (x) => [unpack(x)] };
  if (type === 'int4') {
    return { elements: 8, isScaled, load, vectors: (x) => [unpack(x), unpack(`${x} >> 16u`)] };
  }
  if (isHalf(type) && access === 'vec8') {
    return { elements: 8, isScaled, load, vectors: (x) => [unpack(`${x}.xy`), unpack(`${x}.zw`)] };
  }
  return {
    elements: 4,
    isScaled,
    load: (row, d) => `read_${name}(${row}, ${d})`,
    vectors: (x) => [x],
  };
}

/** Returns the element type of the storage array that `out` is bound as. */
export function writeElement(type: FloatType, access: WriteAccess): string {
  if (type === 'f32') return access === 'vec4' ? 'vec4<f32>' : 'f32';
  if (access === 'vec4') return 'vec2<u32>';
  return access === 'pair' ? 'u32' : 'f16';
}

/** Returns the bytes of one store. */
export function writeBytes(type: FloatType, access: WriteAccess): number {
  if (access === 'vec4') return type === 'f32' ? 16 : 8;
  return 4;
}

/**
 * Declares `write_<name>(row, d, x)`: writes elements d to d + 3 of the row of `out` at element offset `row`, except
 * elements from `dim` on.
 * @param tensor the parameters with its strides, if `out` holds several tensors
 */
export function writePart(
  type: FloatType,
  access: WriteAccess,
  dim: number,
  name = 'out',
  tensor = 'out',
): KernelPart {
  const text = wgsl`
    fn write_${name}(row: u32, d: u32, x: vec4<f32>) {
      ${access === 'vec4' && `out[(row + d) / 4u] = ${isHalf(type) ? `vec2<u32>(pack_${type}(x.x, x.y), pack_${type}(x.z, x.w))` : 'x'};`}
      ${access === 'pair' && isHalf(type) && pairs(type, dim)}
      ${access === 'scalar' && scalars(type, dim, `params.${tensor}_dim`)}
    }
  `;
  return { fields: strideFields(tensor, 'dim'), text };
}

// Rows start on whole words, so every word has one writer. The half after an odd row is other
// data and is preserved.
const pairs = (type: HalfType, dim: number): string => {
  const store = (i: 0 | 2, low: string, high: string): string => {
    const target = `out[${plus('word', i / 2)}]`;
    return wgsl`
      if (d + ${i + 1}u < ${dim}u) {
        ${target} = pack_${type}(${low}, ${high});
      } else if (${plus('d', i)} < ${dim}u) {
        ${target} = (${target} & 0xffff0000u) | round_${type}(${low});
      }
    `;
  };
  return wgsl`
    let word = (row + d) / 2u;
    ${store(0, 'x.x', 'x.y')}
    ${store(2, 'x.z', 'x.w')}
  `;
};

// Widening a half and converting it back is exact. A plain bitcast to vec2<f16> does not compile in every engine.
const scalars = (type: FloatType, dim: number, stride: string): string => {
  const value = (i: number): string =>
    type === 'f32' ? `x[${i}]` : `f16(unpack2x16float(round_f16(x[${i}])).x)`;
  return wgsl`
    out[row + d * ${stride}] = ${value(0)};
    ${[1, 2, 3].map(
      (i) => wgsl`
        if (d + ${i}u < ${dim}u) {
          out[row + (d + ${i}u) * ${stride}] = ${value(i)};
        }
      `,
    )}
  `;
};
