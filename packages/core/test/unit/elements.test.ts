import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHalf, packHalves, toHalf, unpackHalves } from '../../src/text/dtype.ts';
import { dtypeOf, encodeElements } from '../../src/text/elements.ts';

describe('dtypeOf', () => {
  it.each([
    [new Float32Array(1), 'f32'],
    [new Float64Array(1), 'f32'],
    [new Int32Array(1), 'i32'],
    [new Uint32Array(1), 'u32'],
    [new Uint8Array(1), 'f32'],
    [new BigInt64Array(1), 'i32'],
    [new BigUint64Array(1), 'u32'],
    [[1], 'f32'],
  ])('%o is %s', (data, dtype) => {
    expect(dtypeOf(data)).toBe(dtype);
  });

  it('knows a Float16Array by its tag', () => {
    const data = { length: 1, 0: 1, [Symbol.toStringTag]: 'Float16Array' };
    expect(dtypeOf(data)).toBe('f16');
  });
});

describe('encodeElements', () => {
  it('passes data of the right type through', () => {
    const f = new Float32Array([1, 2]);
    expect(encodeElements(f, 'f32', 2, 2)).toBe(f);
    const i = new Int32Array([1, -2]);
    expect(encodeElements(i, 'i32', 2, 2)).toBe(i);
  });

  it('converts other numbers', () => {
    expect(encodeElements([1.1], 'f32', 1, 1)).toEqual(new Float32Array([1.1]));
    expect(encodeElements([-1, 2], 'i32', 2, 2)).toEqual(new Int32Array([-1, 2]));
    expect(encodeElements(new Float64Array([4294967295]), 'u32', 1, 1)).toEqual(
      new Uint32Array([4294967295]),
    );
  });

  it.each([
    ['i32', 0.5],
    ['i32', NaN],
    ['i32', 2147483648],
    ['u32', -1],
    ['u32', 4294967296],
  ] as const)('refuses for %s the number %d', (dtype, x) => {
    expect(() => encodeElements([0, x], dtype, 2, 2)).toThrow(
      `gpu.tensor: ${dtype} takes whole numbers in its range; got ${x} at index 1.`,
    );
  });

  it('takes BigInts that are in range', () => {
    expect(encodeElements(BigInt64Array.of(-5n, 7n), 'i32', 2, 2)).toEqual(Int32Array.of(-5, 7));
    expect(encodeElements(BigUint64Array.of(7n), 'f32', 1, 1)).toEqual(Float32Array.of(7));
    expect(() => encodeElements(BigInt64Array.of(1n, 2n ** 31n), 'i32', 2, 2)).toThrow(
      'gpu.tensor: i32 takes whole numbers in its range; got 2147483648n at index 1.',
    );
  });

  it.each([
    // oxlint-disable-next-line no-sparse-arrays
    [[1, , 3], 'undefined at index 1'],
    [[1, undefined], 'undefined at index 1'],
    [['1', 2], "'1' at index 0"],
    [[1, null], 'null at index 1'],
    [[1, 2n], '2n at index 1'],
    [[1, [2]], '[2] at index 1'],
  ])('refuses what is no number in %o', (data, message) => {
    for (const dtype of ['f32', 'f16', 'i32', 'u32'] as const) {
      expect(() => encodeElements(data as number[], dtype, 2, 2)).toThrow(
        `gpu.tensor: data must be numbers; got ${message}.`,
      );
    }
  });

  it('packs halves to whole words', () => {
    expect(encodeElements([1, 2, 3], 'f16', 3, 3)).toEqual(
      new Uint16Array([0x3c00, 0x4000, 0x4200, 0]),
    );
  });

  it('pads each row to its stride', () => {
    expect(encodeElements([1, 2, 3, 1, 2, 3], 'f16', 3, 4)).toEqual(
      new Uint16Array([0x3c00, 0x4000, 0x4200, 0, 0x3c00, 0x4000, 0x4200, 0]),
    );
  });

  it('takes no rows at all', () => {
    expect(encodeElements([], 'f16', 0, 0).byteLength).toBe(0);
    expect(encodeElements([], 'f16', 3, 4).byteLength).toBe(0);
  });
});

const maxHalf = 65504;

/** Every finite half from 0 up, by the definition of the format. Its index is its bits. */
const halves = Array.from({ length: 0x7c00 }, (_, bits) => {
  const exponent = bits >> 10;
  const mantissa = bits & 0x3ff;
  return exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15);
});

/** Finds the nearest half, ties to even, by search: halves and their midpoints are exact in float64. */
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
/** Returns the float64 that is `ulps` steps away from x > 0. */
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
