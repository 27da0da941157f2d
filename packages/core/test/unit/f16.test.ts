import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHalf, packHalves, toHalf, unpackHalves } from '../../src/f16.ts';

const maxHalf = 65504;

/** Every finite half from 0 up, as a number, by definition of the format; index = its bits. */
const halves = Array.from({ length: 0x7c00 }, (_, bits) => {
  const exponent = bits >> 10;
  const mantissa = bits & 0x3ff;
  return exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15);
});

/** Nearest half, ties to even, by search: halves and their midpoints are exact in float64. */
function nearestHalf(x: number): number {
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const a = Math.abs(x);
  if (a >= maxHalf + 16) return sign | 0x7c00;
  let low = 0;
  let high = halves.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (halves[middle]! <= a) low = middle;
    else high = middle - 1;
  }
  if (low === halves.length - 1) return sign | low;
  const midpoint = (halves[low]! + halves[low + 1]!) / 2;
  const up = a > midpoint || (a === midpoint && low % 2 === 1);
  return sign | (up ? low + 1 : low);
}

const scratch = new DataView(new ArrayBuffer(8));
/** The float64 `ulps` steps away from x > 0. */
function step(x: number, ulps: bigint): number {
  scratch.setFloat64(0, x);
  scratch.setBigUint64(0, scratch.getBigUint64(0) + ulps);
  return scratch.getFloat64(0);
}

const isNaNBits = (bits: number): boolean => (bits & 0x7fff) > 0x7c00;

describe('toHalf', () => {
  it('rounds every midpoint to even, and one float64 to either side of it away from it', () => {
    const numbers = halves.slice(1).flatMap((half, i) => {
      const midpoint = (halves[i]! + half) / 2;
      return [midpoint, step(midpoint, 1n), step(midpoint, -1n)].flatMap((x) => [x, -x]);
    });
    expect(numbers.filter((x) => toHalf(x) !== nearestHalf(x))).toEqual([]);
  });

  it('agrees with the nearest half for any number', () => {
    const anyScale = fc
      .tuple(fc.double({ min: -2, max: 2, noNaN: true }), fc.integer({ min: -30, max: 17 }))
      .map(([x, e]) => x * 2 ** e);
    fc.assert(
      fc.property(fc.oneof(fc.double({ noNaN: true }), anyScale), (x) => {
        expect([x, toHalf(x)]).toEqual([x, nearestHalf(x)]);
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    [0, 0],
    [-0, 0x8000],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [step(2 ** -25, 1n), 1],
    [2 ** -14, 0x400],
    [maxHalf, 0x7bff],
    [step(65520, -1n), 0x7bff],
    [65520, 0x7c00],
    [Number.MAX_VALUE, 0x7c00],
    [Infinity, 0x7c00],
    [-Infinity, 0xfc00],
    [NaN, 0x7e00],
  ])('toHalf(%d) is %i', (x, bits) => {
    expect(toHalf(x)).toBe(bits);
  });
});

describe('fromHalf and unpackHalves', () => {
  it('invert toHalf for all 65,536 halves, NaN staying NaN', () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const wide = unpackHalves(all);
    expect([...all].filter((bits) => !Object.is(fromHalf(bits), wide[bits]))).toEqual([]);
    expect([...all].filter((bits) => Number.isNaN(fromHalf(bits)) !== isNaNBits(bits))).toEqual([]);
    expect([...all].filter((b) => !isNaNBits(b) && toHalf(fromHalf(b)) !== b)).toEqual([]);
  });
});

describe('packHalves', () => {
  it('takes a float32 array by its bits and a plain array by its values, with the same result', () => {
    fc.assert(
      fc.property(fc.float32Array({ maxLength: 20 }), (data) => {
        expect(packHalves(data)).toEqual(packHalves([...data]));
      }),
    );
  });

  it('reads a float32 array at its own byte offset', () => {
    expect(packHalves(new Float32Array([1, 2, 3]).subarray(1))).toEqual(
      new Uint16Array([0x4000, 0x4200]),
    );
  });
});
