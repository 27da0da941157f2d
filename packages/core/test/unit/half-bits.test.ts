import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHalf, packHalves, toHalf, unpackHalves } from '../../src/text/half-floats.ts';

interface Format {
  readonly type: 'f16' | 'bf16';
  readonly mantissaBits: number;
  readonly bias: number;
  /** The type that a number goes to before it is rounded. */
  readonly first: (x: number) => number;
}

const formats: readonly Format[] = [
  { type: 'f16', mantissaBits: 10, bias: 15, first: (x) => x },
  { type: 'bf16', mantissaBits: 7, bias: 127, first: Math.fround },
];

const scratch = new DataView(new ArrayBuffer(8));
/** Returns the float64 that is `ulps` steps away from x > 0. */
function step(x: number, ulps: bigint): number {
  scratch.setFloat64(0, x);
  scratch.setBigUint64(0, scratch.getBigUint64(0) + ulps);
  return scratch.getFloat64(0);
}

/** Returns every finite number of a format from 0 up, by its definition. The index of a number is its bits. */
function finiteNumbers({ mantissaBits, bias }: Format): number[] {
  const unit = 2 ** mantissaBits;
  return Array.from({ length: infinityOf(mantissaBits) }, (_, bits) => {
    const exponent = Math.floor(bits / unit);
    const mantissa = (bits % unit) / unit;
    return exponent === 0 ? mantissa * 2 ** (1 - bias) : (1 + mantissa) * 2 ** (exponent - bias);
  });
}

const infinityOf = (mantissaBits: number): number => 0x8000 - 2 ** mantissaBits;

/** Finds the nearest number, ties to even, by search: the numbers and their midpoints are exact in float64. */
function nearest(numbers: readonly number[], first: Format['first'], given: number): number {
  const x = first(given);
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const a = Math.abs(x);
  const last = numbers.length - 1;
  if (a >= numbers[last]! + (numbers[last]! - numbers[last - 1]!) / 2) return sign | (last + 1);
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (numbers[middle]! <= a) low = middle;
    else high = middle - 1;
  }
  if (low === last) return sign | low;
  const midpoint = (numbers[low]! + numbers[low + 1]!) / 2;
  const up = a > midpoint || (a === midpoint && low % 2 === 1);
  return sign | (up ? low + 1 : low);
}

describe.each(formats)('$type', (format) => {
  const { type, first, mantissaBits } = format;
  const numbers = finiteNumbers(format);
  const infinity = infinityOf(mantissaBits);
  const isNaNBits = (bits: number): boolean => (bits & 0x7fff) > infinity;
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);

  it('rounds every midpoint to even, and one float64 or f32 to either side of it away from it', () => {
    const probes = numbers.slice(1).flatMap((number, i) => {
      const midpoint = (numbers[i]! + number) / 2;
      const near = [1n, -1n, 2n ** 29n, -(2n ** 29n)].map((ulps) => step(midpoint, ulps));
      return [midpoint, ...near].flatMap((x) => [x, -x]);
    });
    expect(probes.filter((x) => toHalf(x, type) !== nearest(numbers, first, x))).toEqual([]);
  });

  it('rounds any number to the nearest', () => {
    const anyScale = fc
      .tuple(fc.double({ min: -2, max: 2, noNaN: true }), fc.integer({ min: -150, max: 130 }))
      .map(([x, e]) => x * 2 ** e);
    fc.assert(
      fc.property(fc.oneof(fc.double({ noNaN: true }), anyScale), (x) => {
        expect([x, toHalf(x, type)]).toEqual([x, nearest(numbers, first, x)]);
      }),
      { numRuns: 5000 },
    );
  });

  it('is widened exactly and rounded back for all 65,536 bits, NaN staying NaN', () => {
    const wide = unpackHalves(all, type);
    const back = (bits: number): number => toHalf(fromHalf(bits, type), type);
    expect([...all].filter((bits) => !Object.is(fromHalf(bits, type), wide[bits]))).toEqual([]);
    expect([...all].filter((b) => Number.isNaN(wide[b]) !== isNaNBits(b))).toEqual([]);
    expect([...all].filter((b) => !isNaNBits(b) && back(b) !== b)).toEqual([]);
    expect(numbers.filter((x, bits) => wide[bits] !== x)).toEqual([]);
  });

  it('is packed from a float32 array as from a plain array of its values', () => {
    fc.assert(
      fc.property(fc.float32Array({ maxLength: 20 }), (data) => {
        expect(packHalves(data, type)).toEqual(packHalves([...data], type));
      }),
    );
  });
});

describe('toHalf', () => {
  it.each([
    [0, 0],
    [-0, 0x8000],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [step(2 ** -25, 1n), 1],
    [2 ** -14, 0x400],
    [65504, 0x7bff],
    [step(65520, -1n), 0x7bff],
    [65520, 0x7c00],
    [Number.MAX_VALUE, 0x7c00],
    [Infinity, 0x7c00],
    [-Infinity, 0xfc00],
    [NaN, 0x7e00],
  ])('of %d is %i in f16', (x, bits) => {
    expect(toHalf(x)).toBe(bits);
  });

  it.each([
    [0, 0],
    [-0, 0x8000],
    [2 ** -133, 1],
    [2 ** -134, 0],
    [2 ** -134 + 2 ** -149, 1],
    [2 ** -126, 0x80],
    [1 + 2 ** -8, 0x3f80],
    [1 + 3 * 2 ** -8, 0x3f82],
    // In f32 first, which is a tie.
    [1 + 2 ** -8 + 2 ** -40, 0x3f80],
    [(2 - 2 ** -7) * 2 ** 127, 0x7f7f],
    [(2 - 2 ** -8) * 2 ** 127, 0x7f80],
    [Number.MAX_VALUE, 0x7f80],
    [Infinity, 0x7f80],
    [-Infinity, 0xff80],
    [NaN, 0x7fc0],
  ])('of %d is %i in bf16', (x, bits) => {
    expect(toHalf(x, 'bf16')).toBe(bits);
  });
});

describe('packHalves', () => {
  it('reads a float32 array at its own byte offset', () => {
    expect(packHalves(new Float32Array([1, 2, 3]).subarray(1))).toEqual(
      new Uint16Array([0x4000, 0x4200]),
    );
  });
});
