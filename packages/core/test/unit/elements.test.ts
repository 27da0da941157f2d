import { describe, expect, it } from 'vitest';
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
    for (const dtype of ['f32', 'f16', 'bf16', 'i32', 'u32'] as const) {
      expect(() => encodeElements(data as number[], dtype, 2, 2)).toThrow(
        `gpu.tensor: data must be numbers; got ${message}.`,
      );
    }
  });

  it('packs halves to whole words', () => {
    expect(encodeElements([1, 2, 3], 'f16', 3, 3)).toEqual(
      new Uint16Array([0x3c00, 0x4000, 0x4200, 0]),
    );
    expect(encodeElements([1, -2, 3], 'bf16', 3, 3)).toEqual(
      new Uint16Array([0x3f80, 0xc000, 0x4040, 0]),
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
