import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldGrid } from '../../src/host/dispatch.ts';
import { LimitError, ValidationError } from '../../src/text/errors.ts';

describe('foldGrid', () => {
  it('covers the count within the limit, and wastes less than a row', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 65535 ** 2 }),
        fc.constantFrom(65535, 1000),
        (total, max) => {
          fc.pre(total <= max * max);
          const [x, y, z] = foldGrid(total, max);
          expect(x).toBeLessThanOrEqual(max);
          expect(y).toBeLessThanOrEqual(max);
          expect(z).toBe(1);
          expect(x * y).toBeGreaterThanOrEqual(total);
          expect(x * y - total).toBeLessThan(y);
        },
      ),
    );
  });

  it.each([
    [0, [0, 1, 1]],
    [10, [10, 1, 1]],
    [11, [6, 2, 1]],
    [100, [10, 10, 1]],
  ])('%i with 10 a dimension is %j', (total, grid) => {
    expect(foldGrid(total, 10)).toEqual(grid);
  });

  it('refuses more than two dimensions hold', () => {
    expect(() => foldGrid(101, 10)).toThrow(LimitError);
  });

  it.each([-1, 0.5, NaN, Infinity])('refuses %d', (total) => {
    expect(() => foldGrid(total, 10)).toThrow(ValidationError);
  });
});
