import { f16Bits, f16Value, roundToF16, toStorage, ulp } from '../../src/reference/number-types.ts';
import { permutation, random } from '../../src/reference/seeded-random.ts';
import { describe, expect, it } from 'vitest';

declare global {
  interface Math {
    f16round(x: number): number;
  }
}

describe('f16', () => {
  it('every bit pattern survives the way through its value', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = f16Value(bits);
      if (Number.isNaN(value)) expect(f16Bits(value)).toBe(0x7e00);
      else expect(f16Bits(value)).toBe(bits);
    }
  });

  it('rounds as Math.f16round does: neighbours, ties, subnormals, overflow', () => {
    const source = random(1);
    for (let bits = 0; bits < 0x7c00; bits++) {
      const [low, high] = [f16Value(bits), f16Value(bits + 1)];
      const between = bits === 0x7bff ? 65520 : (low + high) / 2;
      for (const x of [between, between * (1 - 2 ** -40), between * (1 + 2 ** -40)]) {
        expect(roundToF16(x)).toBe(Math.f16round(x));
        expect(roundToF16(-x)).toBe(Math.f16round(-x));
      }
    }
    for (let n = 0; n < 20_000; n++) {
      const x = source.normal() * 2 ** (source.below(50) - 30);
      expect(roundToF16(x)).toBe(Math.f16round(x));
    }
  });

  it('keeps signs of zero and infinities', () => {
    expect([0, -0, Infinity, -Infinity, 1e300].map(f16Bits)).toEqual([
      0, 0x8000, 0x7c00, 0xfc00, 0x7c00,
    ]);
    expect(toStorage(NaN, 'f16')).toBeNaN();
  });
});

describe('ulp', () => {
  it('is the distance to the next value', () => {
    expect(ulp(1, 'f32')).toBe(2 ** -23);
    expect(ulp(-1.5, 'f16')).toBe(2 ** -10);
    expect(ulp(2 ** -20, 'f16')).toBe(2 ** -24);
    expect(ulp(0, 'f16')).toBe(2 ** -24);
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
