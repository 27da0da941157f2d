import { random } from '../../src/reference/seeded-random.ts';
import { dequantise, quantise, type QuantFormat } from '../../src/reference/stored-rows.ts';
import type { NdArray } from '@heed/conformance';
import { describe, expect, it } from 'vitest';

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
