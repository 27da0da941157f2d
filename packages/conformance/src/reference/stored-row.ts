import { roundToF16 } from '../numerics/f16.ts';
import { ulp } from '../numerics/storage.ts';
import { digits, type QuantFormat, signed } from './quantised.ts';

/** How a cache stores rows. */
export type StoredFormat = 'f32' | 'f16' | QuantFormat;

/** Numbers to be stored, in float64, and how far f32 arithmetic may have put each off before. */
export interface Exact {
  readonly numbers: ArrayLike<number>;
  readonly slack?: ArrayLike<number>;
}

const isQuantised = (format: StoredFormat): format is QuantFormat => format in digits;

/** What a row of a pool says: its numbers, or its scale and then its integers, those that fill the last word up too. */
export function decodedRow(format: StoredFormat, row: ArrayLike<number>): number[] {
  if (!isQuantised(format)) return Array.from(row);
  const { count, base } = digits[format];
  const [scale, ...words] = Array.from(row);
  const integers = words.flatMap((word) =>
    Array.from({ length: count }, (_, i) => signed(format, Math.floor(word / base ** i) % base)),
  );
  return [floatOf(scale!), ...integers];
}

/**
 * What a decoded row should be: the row itself wherever it may be so, else the right value. f32 and f16 hold exactly what is to be
 * stored, rounded to nearest even; a scale may be an ulp or two off, since a GPU's division is; an integer is the nearest to
 * number / scale, either where that lies in the middle.
 */
export function wantedRow(
  format: StoredFormat,
  got: readonly number[],
  { numbers, slack = [] }: Exact,
): number[] {
  if (isQuantised(format)) return wantedIntegers(format, got, Array.from(numbers), slack);
  return Array.from(numbers, (exact, d) => {
    const want = format === 'f16' ? roundToF16(exact) : Math.fround(exact);
    const off = slack[d] ?? 0;
    const most = format === 'f16' ? off + ulp(want, 'f16') * 0.501 : off;
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

const word = new DataView(new ArrayBuffer(4));

function floatOf(bits: number): number {
  word.setUint32(0, bits);
  return word.getFloat32(0);
}
