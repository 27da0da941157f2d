import type { NdArray } from '@heed/conformance';
import { describe, expect, it } from 'vitest';
import {
  bf16Value,
  f16Bits,
  f16Value,
  roundToF16,
  toStorage,
  ulp,
} from '../../src/reference/number-types.ts';
import { permutation, random } from '../../src/reference/pseudo-random.ts';
import { dequantise, type QuantFormat, quantise } from '../../src/reference/stored-rows.ts';

declare global {
  interface Math {
    f16round(x: number): number;
  }
}

describe('f16', () => {
  it('every bit pattern survives the way through its value', () => {
    const wrong = Array.from({ length: 65536 }, (_, bits) => bits).filter((bits) => {
      const value = f16Value(bits);
      return f16Bits(value) !== (Number.isNaN(value) ? 0x7e00 : bits);
    });
    expect(wrong).toEqual([]);
  });

  it('rounds as Math.f16round does: neighbours, ties, subnormals, overflow', () => {
    const source = random(1);
    const numbers = Array.from({ length: 0x7c00 }, (_, bits) => {
      const [low, high] = [f16Value(bits), f16Value(bits + 1)];
      return bits === 0x7bff ? 65520 : (low + high) / 2;
    }).flatMap((tie) => [tie, tie * (1 - 2 ** -40), tie * (1 + 2 ** -40)]);
    for (let n = 0; n < 20_000; n++) numbers.push(source.normal() * 2 ** (source.below(50) - 30));
    const signed = numbers.flatMap((x) => [x, -x]);
    expect(signed.filter((x) => !Object.is(roundToF16(x), Math.f16round(x)))).toEqual([]);
  });

  it('keeps signs of zero and infinities', () => {
    expect([0, -0, Infinity, -Infinity, 1e300].map(f16Bits)).toEqual([
      0, 0x8000, 0x7c00, 0xfc00, 0x7c00,
    ]);
    expect(toStorage(NaN, 'f16')).toBeNaN();
  });
});

describe('bf16', () => {
  it('every number survives, and ties go to the even one', () => {
    const bits = Array.from({ length: 0x7f80 }, (_, i) => i);
    expect(bits.filter((i) => toStorage(bf16Value(i), 'bf16') !== bf16Value(i))).toEqual([]);
    const wrong = bits.slice(0, -1).filter((i) => {
      const [low, high] = [bf16Value(i), bf16Value(i + 1)];
      const tie = (low + high) / 2;
      const even = i % 2 === 0 ? low : high;
      const near = [tie * (1 - 2 ** -23), tie, tie * (1 + 2 ** -22)];
      return near.map((x) => toStorage(x, 'bf16')).join() !== [low, even, high].join();
    });
    // Below, the f32 beside a tie is the tie itself or a neighbour of 0.
    expect(wrong.filter((i) => i >= 0x80)).toEqual([]);
  });

  it('goes to f32 first, and to infinity from half an ulp beyond the largest number', () => {
    expect(toStorage(1 + 2 ** -8 + 2 ** -40, 'bf16')).toBe(1);
    const most = bf16Value(0x7f7f);
    const tie = most + ulp(most, 'bf16') / 2;
    const given = [-tie, Math.fround(tie * (1 - 2 ** -24)), -0, -(2 ** -140), NaN, -Infinity];
    expect(given.map((x) => toStorage(x, 'bf16'))).toEqual([
      -Infinity,
      most,
      -0,
      -0,
      NaN,
      -Infinity,
    ]);
  });
});

describe('ulp', () => {
  it('is the distance to the next value', () => {
    expect(ulp(1, 'f32')).toBe(2 ** -23);
    expect(ulp(-1.5, 'f16')).toBe(2 ** -10);
    expect(ulp(2 ** -20, 'f16')).toBe(2 ** -24);
    expect(ulp(0, 'f16')).toBe(2 ** -24);
    expect(ulp(1, 'bf16')).toBe(2 ** -7);
  });
});

describe('random', () => {
  it('repeats itself for one seed and differs for another', () => {
    const take = (seed: number): number[] => Array.from({ length: 5 }, random(seed).uniform);
    expect(take(3)).toEqual(take(3));
    expect(take(3)).not.toEqual(take(4));
  });

  it('has the promised mean and variance', () => {
    const source = random(0);
    const list = Array.from({ length: 50_000 }, source.normal);
    const mean = list.reduce((a, b) => a + b) / list.length;
    const variance = list.reduce((a, b) => a + (b - mean) ** 2, 0) / list.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
    expect(Math.abs(variance - 1)).toBeLessThan(0.02);
  });

  it('permutes', () => {
    expect([...permutation(50, random(2))].toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
  });
});

const array = (shape: readonly number[], values: readonly number[]): NdArray => ({
  shape,
  data: Float64Array.from(values),
});
const line = (...values: number[]): NdArray => array([1, values.length], values);
const bitsOf = (x: number): number => new Uint32Array(Float32Array.of(x).buffer)[0]!;

describe('quantise', () => {
  it('writes the scale, then int8 with the low part first, in two’s complement', () => {
    const { shape, data } = quantise(line(127, -1, 2, -127, 3), 'int8');
    expect(shape).toEqual([1, 3]);
    expect([...data]).toEqual([bitsOf(1), 0x8102ff7f, 0x00000003]);
  });

  it('writes int4 likewise, eight to a word', () => {
    const { shape, data } = quantise(line(7, -1, 2, -7, 3, 0, 0, -2, 5), 'int4');
    expect(shape).toEqual([1, 3]);
    expect([...data]).toEqual([bitsOf(1), 0xe00392f7, 0x00000005]);
  });

  it('rounds to nearest, ties to even', () => {
    const row = line(7, 0.5, 1.5, -0.5, -1.5, 2.4, 2.6);
    const kept = dequantise(quantise(row, 'int4'), 7, 'int4');
    expect([...kept.data].map((x) => x + 0)).toEqual([7, 0, 2, 0, -2, 2, 3]);
  });

  it('has a scale of its own for each row, and 0 for a row of zeros', () => {
    const rows = array([3, 2], [254, 0, 0, 0, 0, -1270]);
    const { data } = quantise(rows, 'int8');
    expect([data[0], data[2], data[4]]).toEqual([bitsOf(2), 0, bitsOf(10)]);
    expect([...dequantise(quantise(rows, 'int8'), 2, 'int8').data]).toEqual([...rows.data]);
  });

  it('makes a row of poison one whose scale is not finite', () => {
    for (const poison of [NaN, Infinity])
      expect(quantise(line(poison, poison), 'int8').data[0]! & 0x7f800000).toBe(0x7f800000);
  });
});

describe.for([
  ['int8', 254],
  ['int4', 14],
] as const satisfies [QuantFormat, number][])('%s', ([format, steps]) => {
  const source = random(3);
  const rows = Array.from({ length: 50 }, () => Array.from({ length: 13 }, source.normal));
  const values = array([50, 13], rows.flat());
  const words = quantise(values, format);
  const kept = dequantise(words, 13, format);

  it(`keeps each element to 1/${steps} of its row's largest`, () => {
    rows.forEach((row, r) => {
      const most = Math.max(...row.map(Math.abs));
      row.forEach((x, d) => {
        expect(Math.abs(kept.data[13 * r + d]! - x)).toBeLessThanOrEqual(
          (most / steps) * (1 + 1e-6),
        );
      });
    });
  });

  it('gives the same words for what it kept', () => {
    expect(quantise(kept, format)).toEqual(words);
  });
});
