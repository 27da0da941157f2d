import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packedTiles } from '../../src/select/row-shapes.ts';

/** One query tile: `rows` of sequence `b`. */
interface Tile {
  readonly b: number;
  readonly rows: readonly number[];
}

/** The arithmetic of `find_rows` and `work_of_tile` in WGSL, for one tile. */
function workOfTile(tile: number, begins: readonly number[], total: number, tileM: number): Tile {
  const clamped = (n: number, low: number, high: number): number =>
    Math.min(Math.max(n, low), high);
  const origin = clamped(begins[0]!, 0, total);
  let [b, begin, end, first] = [0, origin, total, 0];
  let high = begins.length - 1;
  while (b < high) {
    const middle = Math.floor((b + high + 1) / 2);
    const at = clamped(begins[middle]!, begin, end);
    const firstTile = Math.floor((at - origin) / tileM) + middle;
    if (firstTile <= tile) [b, begin, first] = [middle, at, firstTile];
    else [end, high] = [at, middle - 1];
  }
  if (b === begins.length - 1) end += origin;
  const rows = [];
  for (let i = (tile - first) * tileM; i < (tile - first + 1) * tileM && begin + i < end; i++) {
    rows.push(begin + i >= total ? begin + i - total : begin + i);
  }
  return { b, rows };
}

const tileM = fc.constantFrom(1, 4, 8, 16, 32, 64);
const lengths = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 20 });

/** Whose each row is, each being of one tile. */
function owners(begins: readonly number[], total: number, m: number): number[] {
  const found: number[] = [];
  for (let tile = 0; tile < packedTiles(total, begins.length - 1, m); tile++) {
    const { b, rows } = workOfTile(tile, begins, total, m);
    for (const row of rows) {
      expect(found[row], `row ${row} has a second tile`).toBeUndefined();
      found[row] = b;
    }
  }
  expect(Object.keys(found), 'rows that have a tile').toHaveLength(total);
  return found;
}

describe('the query tiles of packed sequences', () => {
  it('cover every row of every sequence, and those before and after all, exactly once', () => {
    const property = fc.property(
      fc.nat(100),
      lengths,
      fc.nat(100),
      tileM,
      (lead, list, after, m) => {
        const begins = [lead];
        for (const n of list) begins.push(begins.at(-1)! + n);
        const total = begins.at(-1)! + after;
        const want = Array.from({ length: total }, (_, row) => {
          const end = begins.findIndex((begin) => begin > row);
          return end < 1 ? list.length : end - 1;
        });
        expect(owners(begins, total, m)).toEqual(want);
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  it('are no more than one over for each sequence', () => {
    expect(packedTiles(0, 0, 32)).toBe(1);
    expect(packedTiles(31, 1, 32)).toBe(2);
    expect(packedTiles(32, 1, 32)).toBe(3);
  });

  // Lists on the GPU are not checked, and nothing makes them ascend.
  it('give each row there is one owner and one tile, whatever a list on the GPU says', () => {
    const wild = fc.array(fc.integer({ min: -50, max: 250 }), { minLength: 1, maxLength: 20 });
    const property = fc.property(fc.nat(200), wild, tileM, (total, begins, m) => {
      const found = owners(begins, total, m);
      expect(found.every((b) => b >= 0 && b < begins.length)).toBe(true);
    });
    fc.assert(property, { numRuns: 500 });
  });
});
