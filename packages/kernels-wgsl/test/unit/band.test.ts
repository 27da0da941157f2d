import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bandValues, UNBOUNDED } from '../../src/host/options/visible-band.ts';

const LONGEST = 2 ** 29;
const side = fc.oneof(
  fc.constantFrom(-1, 0, 1, LONGEST, 2 ** 31, Number.MAX_SAFE_INTEGER),
  fc.integer({ min: -1, max: 40 }),
);
const length = fc.integer({ min: 0, max: 30 });

describe('bandValues', () => {
  it('shows the keys that causal and window show, neither more nor fewer', () => {
    const property = fc.property(
      fc.boolean(),
      side,
      side,
      length,
      length,
      fc.boolean(),
      (causal, left, right, lq, lk, alignEnd) => {
        const { band_left, band_right } = bandValues(causal, [left, right]);
        const off = alignEnd ? lk - lq : 0;
        for (let i = 0; i < lq; i++) {
          for (let j = 0; j < lk; j++) {
            const position = i + off;
            const visible =
              (!causal || j <= position) &&
              (left === -1 || j >= position - left) &&
              (right === -1 || j <= position + right);
            expect(j >= position - band_left && j <= position + band_right).toBe(visible);
          }
        }
      },
    );
    fc.assert(property);
  });

  it('stays within an i32 when added to any position', () => {
    const property = fc.property(fc.boolean(), side, side, (causal, left, right) => {
      const { band_left, band_right } = bandValues(causal, [left, right]);
      for (const position of [-LONGEST, 2 * LONGEST]) {
        for (const edge of [position - band_left, position + band_right + 1]) {
          expect(edge).toBe(edge | 0);
        }
      }
    });
    fc.assert(property);
  });

  it('reaches the far end of the longest sequence when unbounded', () => {
    expect(bandValues(false, [-1, -1])).toEqual({ band_left: UNBOUNDED, band_right: UNBOUNDED });
    expect(UNBOUNDED).toBeGreaterThanOrEqual(LONGEST);
  });
});
