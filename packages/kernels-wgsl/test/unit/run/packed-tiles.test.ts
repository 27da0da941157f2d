import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packedTiles } from '../../../src/run/values.ts';

/** One query tile: rows `first` to `first` + tileM − 1 of sequence `b`, of which `rows` exist. */
interface Tile {
  readonly b: number;
  readonly first: number;
  readonly rows: number;
}

/** The arithmetic of `work_of_tile` in wgsl/work.wgsl.ts, u32 wrap-around included. `begin(N)` is the rows after the last. */
function workOfTile(tile: number, begins: readonly number[], total: number, tileM: number): Tile {
  const firstTile = (b: number): number => Math.floor(begins[b]! / tileM) + b;
  let low = 0;
  let high = begins.length - 1;
  while (low < high) {
    const middle = Math.floor((low + high + 1) / 2);
    if (firstTile(middle) <= tile) low = middle;
    else high = middle - 1;
  }
  const end = begins[low + 1] ?? total;
  const rows = Math.max(begins[low]!, end) - begins[low]!;
  return { b: low, first: ((tile - firstTile(low)) * tileM) >>> 0, rows };
}

const tileM = fc.constantFrom(1, 4, 8, 16, 32, 64);
const lengths = fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 20 });

function everyTile(begins: readonly number[], total: number, m: number): Tile[] {
  const count = packedTiles(total, begins.length - 1, m);
  return Array.from({ length: count }, (_, tile) => workOfTile(tile, begins, total, m));
}

describe('the query tiles of packed sequences', () => {
  it('cover every row of every sequence, and those after the last, exactly once', () => {
    const property = fc.property(lengths, fc.nat(100), tileM, (list, after, m) => {
      const begins = [0];
      for (const n of list) begins.push(begins.at(-1)! + n);
      const total = begins.at(-1)! + after;
      const seen = new Uint8Array(total);
      for (const { b, first, rows } of everyTile(begins, total, m)) {
        for (let row = first; row < Math.min(first + m, rows); row++) seen[begins[b]! + row]!++;
      }
      expect(seen.every((times) => times === 1)).toBe(true);
    });
    fc.assert(property, { numRuns: 1000 });
  });

  it('are no more than one over for each sequence', () => {
    expect(packedTiles(0, 0, 32)).toBe(1);
    expect(packedTiles(31, 1, 32)).toBe(2);
    expect(packedTiles(32, 1, 32)).toBe(3);
  });

  // Lengths on the GPU are clamped to 0 … total, but nothing makes them ascend.
  it('stay within the rows there are, whatever a table on the GPU says', () => {
    const property = fc.property(fc.nat(200), lengths, tileM, (total, list, m) => {
      const begins = [...list, total].map((n) => Math.min(n, total));
      const ends = everyTile(begins, total, m)
        .filter(({ first, rows }) => first < rows)
        .map(({ b, first, rows }) => begins[b]! + Math.min(first + m, rows));
      expect(Math.max(0, ...ends)).toBeLessThanOrEqual(total);
    });
    fc.assert(property);
  });
});
