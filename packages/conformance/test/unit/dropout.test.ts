import { describe, expect, it } from 'vitest';
import { keptPairs } from '../../src/reference/dropped-pairs.ts';

const QUERIES = 256;
const KEYS = 512;

/** Returns the kept pairs of a head as rows of 0 and 1. */
function kept(rate: number, seed: number, b = 0, h = 0): Uint8Array[] {
  return Array.from({ length: QUERIES }, (_, q) => {
    const { isKept } = keptPairs({ rate, seed }, b, h, q);
    return Uint8Array.from(new Array(KEYS).keys(), (kv) => Number(isKept(kv)));
  });
}

const sum = (list: ArrayLike<number>): number => Array.from(list).reduce((a, b) => a + b, 0);

/** Returns by how many standard deviations a count of kept pairs is off. */
function deviation(count: number, of: number, rate: number): number {
  return (count - of * (1 - rate)) / Math.sqrt(of * rate * (1 - rate));
}

/** Returns by how many standard deviations the pairs that two heads keep both are off that of independent heads. */
function correlation(a: readonly Uint8Array[], b: readonly Uint8Array[], rate: number): number {
  const both = a.reduce((all, row, q) => all + sum(row.map((x, kv) => x & b[q]![kv]!)), 0);
  return deviation(both, QUERIES * KEYS, 1 - (1 - rate) ** 2);
}

const seeds = [0, 1, 2, 2 ** 32, 2 ** 53 - 1, 123_456_789_012_345];

describe('dropout', () => {
  // By another program, from the rule in its docstring.
  it('keeps the pairs of the rule', () => {
    const shown = (rate: number, seed: number, b: number, h: number, q: number): string => {
      const { isKept } = keptPairs({ rate, seed }, b, h, q);
      return Array.from({ length: 32 }, (_, kv) => Number(isKept(kv))).join('');
    };
    expect(shown(0.5, 0, 0, 0, 0)).toBe('00100000101101111111100101010001');
    expect(shown(0.1, 2 ** 53 - 1, 3, 7, -32)).toBe('11111111111111111111111011011111');
    expect(shown(0.9, 5 * 2 ** 32 + 1, 0, 5, 100_000)).toBe('00000010000000000000000000000000');
  });

  it('keeps all pairs at rate 0, and scales by 1', () => {
    const { isKept, scale } = keptPairs({ rate: 0, seed: 1 }, 0, 0, 0);
    expect(Array.from({ length: 1000 }, (_, kv) => isKept(kv))).not.toContain(false);
    expect(scale).toBe(1);
  });

  it('scales by a finite number at the largest rate', () => {
    const { scale } = keptPairs({ rate: 1 - 2 ** -53, seed: 1 }, 0, 0, 0);
    expect(scale).toBe(2 ** 32);
  });

  it.each([0.1, 0.5, 0.9, 0.999])(
    'keeps its share of all pairs, rows and keys at rate %d',
    (rate) => {
      for (const seed of seeds) {
        const pairs = kept(rate, seed);
        const rows = pairs.map(sum);
        expect(Math.abs(deviation(sum(rows), QUERIES * KEYS, rate)), `seed ${seed}`).toBeLessThan(
          5,
        );
        const columns = Array.from({ length: KEYS }, (_, kv) => sum(pairs.map((row) => row[kv]!)));
        // Where a row keeps less than one pair, no normal distribution describes it.
        if (rate > 0.99) continue;
        for (const count of rows) expect(Math.abs(deviation(count, KEYS, rate))).toBeLessThan(5.5);
        for (const count of columns)
          expect(Math.abs(deviation(count, QUERIES, rate))).toBeLessThan(5.5);
      }
    },
  );

  it.each([0.1, 0.5, 0.9])(
    'drops without regard to other heads, sequences and seeds at rate %d',
    (rate) => {
      const own = kept(rate, 1, 0, 0);
      const others = {
        'the next head': kept(rate, 1, 0, 1),
        'a far head': kept(rate, 1, 0, 64),
        'the next sequence': kept(rate, 1, 1, 0),
        'the next seed': kept(rate, 2, 0, 0),
        'another high word': kept(rate, 1 + 2 ** 32, 0, 0),
        'the next query': kept(rate, 1).map((_, q, all) => all[(q + 1) % QUERIES]!),
        'the next key': kept(rate, 1).map((row) => row.map((_, kv) => row[(kv + 1) % KEYS]!)),
      };
      for (const [name, other] of Object.entries(others)) {
        expect(Math.abs(correlation(own, other, rate)), name).toBeLessThan(5);
      }
    },
  );
});
