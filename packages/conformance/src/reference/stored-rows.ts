import { type NdArray, sizeOf } from './nd-array.ts';
import { type FloatDType, roundHalfEven, toStorage, ulp } from './number-types.ts';

/**
 * A format of quantised pages. The row of one token and head is a scale and integers of 8 or 4 bits: element d is
 * scale · integer d.
 *
 * In memory a row is 32-bit words. Word 0 holds the bits of the scale, an f32. The other words hold the integers in two's
 * complement, lowest bits first; the last word is padded with zeros.
 */
export type QuantFormat = 'int8' | 'int4';

// An integer is one digit of its word, in base 256 or 16. The range is symmetric: −128 and −8 do not occur.
const digits = {
  int8: { count: 4, base: 256, most: 127 },
  int4: { count: 8, base: 16, most: 7 },
};

const word = new DataView(new ArrayBuffer(4));

/** Converts rows of numbers, along the last axis, to rows of words. Each element is off by at most half a step of its row's scale. */
export function quantise(values: NdArray, format: QuantFormat): NdArray {
  const { count, base, most } = digits[format];
  return mapRows(values, 1 + Math.ceil(width(values) / count), (row) => {
    const scale = Math.fround(row.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / most);
    const integers = row.map((x) => nearestInteger(x / scale, scale, most));
    word.setFloat32(0, scale);
    const words = [word.getUint32(0)];
    for (let d = 0; d < integers.length; d += count) {
      // The first integer is the lowest digit. Negative integers are stored as q + base (two's complement).
      const some = integers.slice(d, d + count).map((q) => (q < 0 ? q + base : q));
      words.push(some.reduceRight((sum, digit) => sum * base + digit, 0));
    }
    return words;
  });
}

/** Converts rows of words to the `dim` numbers that each represents, without rounding. */
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

/** Returns the integer that a digit represents. */
const signed = (format: QuantFormat, digit: number): number =>
  digit > digits[format].most ? digit - digits[format].base : digit;

// A row of zeros has scale 0; a row of poison has a scale that is not finite, and its integers are arbitrary.
function nearestInteger(ratio: number, scale: number, most: number): number {
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

/** A format in which a cache stores rows. */
export type StoredFormat = FloatDType | QuantFormat;

/** Numbers to be stored, in float64; `slack` is the error that f32 arithmetic may have added to each before. */
export interface Exact {
  readonly numbers: ArrayLike<number>;
  readonly slack?: ArrayLike<number>;
}

const isQuantised = (format: StoredFormat): format is QuantFormat => format in digits;

/** Decodes a row of a pool: its numbers, or its scale followed by its integers with the padding of the last word. */
export function decodedRow(format: StoredFormat, row: ArrayLike<number>): number[] {
  if (!isQuantised(format)) return Array.from(row);
  const { count, base } = digits[format];
  const [scale, ...words] = Array.from(row);
  const integers = words.flatMap((packed) =>
    Array.from({ length: count }, (_, i) => signed(format, Math.floor(packed / base ** i) % base)),
  );
  return [floatOf(scale!), ...integers];
}

/**
 * Returns the row that a decoded row should equal: each element that is within its tolerance as it is, each other one as the correct
 * value. Floats are rounded to nearest even. A scale may be two ulp off, as the division of a GPU may be. An integer is the one
 * nearest to number / scale, or either neighbour of a tie.
 */
export function wantedRow(
  format: StoredFormat,
  got: readonly number[],
  { numbers, slack = [] }: Exact,
): number[] {
  if (isQuantised(format)) return wantedIntegers(format, got, Array.from(numbers), slack);
  return Array.from(numbers, (exact, d) => {
    const want = toStorage(exact, format);
    const off = slack[d] ?? 0;
    const most = format === 'f32' ? off : off + ulp(want, format) * 0.501;
    return off > 0 && Math.abs(got[d]! - exact) <= most ? got[d]! : want;
  });
}

function wantedIntegers(
  format: QuantFormat,
  got: readonly number[],
  numbers: readonly number[],
  slack: ArrayLike<number>,
): number[] {
  const { most } = digits[format];
  const padding = new Array<number>(got.length - 1 - numbers.length).fill(0);
  const zeros = [...numbers.map(() => 0), ...padding];
  if (!numbers.every(Number.isFinite)) return [NaN, ...zeros];
  const top = Math.max(...numbers.map(Math.abs));
  if (top === 0) return [0, ...zeros];
  const off = Math.max(0, ...Array.from(slack)) / top;
  const [scale] = got as [number];
  if (!(Math.abs(scale / (top / most) - 1) < 3 * 2 ** -23 + off)) {
    return [Math.fround(top / most), ...got.slice(1)];
  }
  const integers = numbers.map((x, d) => {
    const exact = x / scale;
    const near = Math.max(-most, Math.min(most, Math.round(exact))) + 0;
    const integer = got[d + 1]!;
    const mayBe = Math.abs(integer) <= most && Math.abs(integer - exact) <= 0.501 + off * most;
    return mayBe ? integer : near;
  });
  return [scale, ...integers, ...padding];
}

function floatOf(bits: number): number {
  word.setUint32(0, bits);
  return word.getFloat32(0);
}

/** Cosines and sines [positions, pairs]. `interleaved`: elements 2i and 2i + 1 form a pair, else i and i + pairs. */
export interface Angles {
  readonly cos: NdArray;
  readonly sin: NdArray;
  readonly interleaved: boolean;
}

/** Returns the usual tables of models: angle = position / 10000^(pair / pairs). */
export function anglesOf(positions: number, pairs: number, interleaved: boolean): Angles {
  const table = (f: (x: number) => number): NdArray => ({
    shape: [positions, pairs],
    data: Float32Array.from({ length: positions * pairs }, (_, i) =>
      f(Math.floor(i / pairs) / 10000 ** ((i % pairs) / pairs)),
    ),
  });
  return { cos: table(Math.cos), sin: table(Math.sin), interleaved };
}

/** Rotates the pairs of a row by the angles of its position; other elements stay. `slack` is two ulp of the summands in f32. */
export function rotatedRow(
  row: ArrayLike<number>,
  position: number,
  angles: Angles,
): Required<Exact> {
  const { cos, sin, interleaved } = angles;
  const pairs = cos.shape[1]!;
  const numbers = Array.from(row);
  const slack = numbers.map(() => 0);
  for (let pair = 0; pair < pairs; pair++) {
    const [i, j] = interleaved ? [2 * pair, 2 * pair + 1] : [pair, pair + pairs];
    const [x, y] = [row[i]!, row[j]!];
    const [c, s] = [cos.data[position * pairs + pair]!, sin.data[position * pairs + pair]!];
    numbers[i] = x * c - y * s;
    numbers[j] = y * c + x * s;
    slack[i] = (Math.abs(x * c) + Math.abs(y * s)) * 2 ** -22;
    slack[j] = (Math.abs(y * c) + Math.abs(x * s)) * 2 ** -22;
  }
  return { numbers, slack };
}
