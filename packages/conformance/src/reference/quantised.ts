import { roundHalfEven } from '../numerics/f16.ts';
import { type NdArray, sizeOf } from './nd-array.ts';

/**
 * How a quantised page holds the row of one token and head: a scale, and integers of 8 or 4 bits. Element d of the row is
 * scale · integer d.
 *
 * In memory a row is 32-bit words. Word 0 is the bits of the scale, an f32; the others are the integers in two's complement,
 * low part of a word first, the last word filled up with zeros.
 */
export type QuantFormat = 'int8' | 'int4';

// An integer is one digit of its word. The range is symmetric: −128 and −8 are not written.
export const digits = {
  int8: { count: 4, base: 256, most: 127 },
  int4: { count: 8, base: 16, most: 7 },
};

const word = new DataView(new ArrayBuffer(4));

/** Rows of numbers, along the last axis, as rows of words. Each element is kept to half a step of its row's scale. */
export function quantise(values: NdArray, format: QuantFormat): NdArray {
  const { count, base, most } = digits[format];
  return mapRows(values, 1 + Math.ceil(width(values) / count), (row) => {
    const scale = Math.fround(row.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / most);
    const integers = row.map((x) => integer(x / scale, scale, most));
    word.setFloat32(0, scale);
    const words = [word.getUint32(0)];
    for (let d = 0; d < integers.length; d += count) {
      // The first integer is the lowest digit; a negative one is written as what it lacks to the base.
      const some = integers.slice(d, d + count).map((q) => (q < 0 ? q + base : q));
      words.push(some.reduceRight((sum, digit) => sum * base + digit, 0));
    }
    return words;
  });
}

/** The numbers that rows of words stand for, without rounding; `dim` of each row. */
export function dequantise(words: NdArray, dim: number, format: QuantFormat): NdArray {
  const { count, base } = digits[format];
  return mapRows(words, dim, (row) => {
    word.setUint32(0, row[0]!);
    const scale = word.getFloat32(0);
    return Array.from({ length: dim }, (_, d) => {
      const digit = Math.floor(row[1 + Math.floor(d / count)]! / base ** (d % count)) % base;
      return scale * signed(format, digit);
    });
  });
}

/** The integer that a digit stands for. */
export const signed = (format: QuantFormat, digit: number): number =>
  digit > digits[format].most ? digit - digits[format].base : digit;

// A row of zeros has scale 0, a row of poison one that is not finite: what its integers are is of no account.
function integer(ratio: number, scale: number, most: number): number {
  if (scale === 0) return 0;
  return Number.isFinite(scale) ? Math.max(-most, Math.min(most, roundHalfEven(ratio))) : 1;
}

const width = ({ shape }: NdArray): number => shape.at(-1) ?? 0;

function mapRows(
  from: NdArray,
  to: number,
  map: (row: readonly number[]) => readonly number[],
): NdArray {
  const [shape, n] = [[...from.shape.slice(0, -1), to], width(from)];
  const data = new Float64Array(sizeOf(shape));
  for (let row = 0; row * to < data.length; row++)
    data.set(map([...from.data.subarray(row * n, (row + 1) * n)]), row * to);
  return { shape, data };
}
