import type { Tuning } from '@heed/core';
import { describe, expect, it } from 'vitest';
import { problemKey } from '../../src/select/problem-facts.ts';
import { select, selectBackward } from '../../src/select/selection.ts';
import {
  cannotImplement,
  cannotImplementGradient,
  type TileConfig,
  tileShape,
} from '../../src/text/tiles/tile-paths.ts';
import { candidatesOf } from '../../src/tune/tile-candidates.ts';
import { devices, facts } from './facts.ts';

const step = { ...facts, seqlenQ: 1, maxSeqlenK: 1000 };

describe.for(Object.entries(devices))('the candidates on %s', ([, on]) => {
  it.for([facts, step])('begin with the default, and none comes twice', (some) => {
    const { key, tiles } = candidatesOf(some, on);
    const { config, use } = select(some, on);
    expect(tiles[0]).toEqual(config.tile);
    expect(new Set(tiles.map((tile) => JSON.stringify(tile))).size).toBe(tiles.length);
    expect(key).toBe(problemKey(some, use));
  });

  it.for([facts, step])('are what the device can run, and the others say why not', (some) => {
    const { tiles, refused } = candidatesOf(some, on);
    const { config } = select(some, on);
    const cannot = (tile: TileConfig) => cannotImplement({ ...config, tile }, on);
    expect(tiles.length).toBeGreaterThan(5);
    expect(tiles.map(cannot).filter(Boolean)).toEqual([]);
    for (const { tile, reason } of refused) expect(cannot(tile)).toBe(reason);
  });

  it.for([facts, step])('lead to themselves as entries of a tuning', (some) => {
    const { key, tiles } = candidatesOf(some, on);
    for (const tile of tiles) {
      const tuning: Tuning = { version: 1, entries: { [key]: { ...tile } } };
      expect(select(some, on, tuning).config.tile).toEqual(tile);
    }
  });

  it('have small tiles for few rows only', () => {
    const rows = (some: typeof facts): number[] =>
      candidatesOf(some, on)
        .tiles.slice(1)
        .map((tile) => tileShape(tile).tileM);
    expect(Math.max(...rows(step))).toBeLessThanOrEqual(32);
    expect(Math.min(...rows(facts))).toBeGreaterThanOrEqual(16);
  });
});

it('the candidates have products of integers on request only', () => {
  const on = { ...devices['a GPU with subgroups of 32']!, integerDots: true };
  const some = { ...step, lengths: 'varlen', keys: 'paged', kvDtype: 'int8' } as const;
  const paths = (...[kernel, integers]: [] | ['forward', boolean]): string[] =>
    candidatesOf(some, on, kernel, integers).tiles.map(({ path }) => path);
  expect(paths()).not.toContain('integers');
  expect(paths('forward', true)).toContain('integers');
});

const gradientNeeds = { qType: 'f32', kvType: 'f32', headDim: 64, headDimV: 64 } as const;

describe.for(Object.entries(devices))('the candidates for a gradient on %s', ([, on]) => {
  it.for(['q', 'kv'] as const)(
    'begin with the default, run here, and lead to themselves: d%s',
    (of) => {
      const { key, tiles, splits, refused } = candidatesOf(facts, on, of);
      expect(tiles[0]).toEqual(selectBackward(facts, of, on).tile);
      expect(new Set(tiles.map((tile) => JSON.stringify(tile))).size).toBe(tiles.length);
      expect(tiles.length).toBeGreaterThan(5);
      expect(splits).toEqual([]);
      for (const { tile, reason } of refused)
        expect(cannotImplementGradient({ ...gradientNeeds, of, tile }, on)).toBe(reason);
      for (const tile of tiles) {
        const tuning: Tuning = { version: 1, entries: { [key]: { ...tile } } };
        expect(selectBackward(facts, of, on, tuning).tile).toEqual(tile);
      }
    },
  );
});

describe('a budget of time', () => {
  it('goes to the path of the default first, to what has little text before what has much', () => {
    const { tiles } = candidatesOf(facts, devices['a CPU with subgroups of 8']!);
    const paths = tiles.map(({ path }) => path);
    expect(paths.lastIndexOf('subgroup')).toBeLessThan(paths.indexOf('portable'));
    const scores = tiles
      .slice(1)
      .flatMap((tile) => (tile.path === 'subgroup' ? [tile.rowsPerLane * tile.keysPerLane] : []));
    expect(scores).toEqual(scores.toSorted((a, b) => a - b));
  });

  it('is not spent on unrolled loops where a CPU compiles them', () => {
    const unrolled = (on: string): boolean =>
      candidatesOf(facts, devices[on]!).tiles.some(
        (tile) => tile.path === 'portable' && tile.unroll,
      );
    expect(unrolled('a CPU with subgroups of 8')).toBe(false);
    expect(unrolled('a GPU with subgroups of 32')).toBe(true);
  });
});

describe('splits', () => {
  const on = devices['a GPU with subgroups of 32']!;

  it("are candidates with 'auto' and few rows, down to 64 keys each", () => {
    expect(candidatesOf(step, on).splits).toEqual([1, 2, 4, 8]);
    expect(candidatesOf({ ...step, maxSeqlenK: 2 ** 20 }, on).splits.at(-1)).toBe(128);
  });

  it('are none where they were asked for, or for many rows', () => {
    expect(candidatesOf({ ...step, numSplits: 4 }, on).splits).toEqual([]);
    expect(candidatesOf(facts, on).splits).toEqual([]);
  });
});
