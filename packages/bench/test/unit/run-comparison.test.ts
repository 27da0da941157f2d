import type { Gpu } from '@heed/core';
import { describe, expect, test } from 'vitest';
import type { Contestant, Distance } from '../../src/measure/bench-results.ts';
import { comparisons } from '../../src/comparisons/comparison-list.ts';
import { runComparison } from '../../src/runs/run-comparison.ts';
import { isWrong, renderComparisons } from '../../src/report/report-tables.ts';

const gpu = { device: { adapterInfo: {} } } as Gpu;
const quiet = { rounds: 3, seconds: 60, signal: new AbortController().signal, progress: () => {} };

interface Fake extends Contestant {
  runs: number;
  disposed: number;
}

function fake(name: string, distance?: Distance, run: () => void = () => {}): Fake {
  const contestant: Fake = {
    name,
    how: `call of ${name}`,
    runs: 0,
    disposed: 0,
    prepare: async () => ({
      run: async () => {
        contestant.runs++;
        run();
      },
      ...(distance && { check: () => distance }),
      dispose: () => {
        contestant.disposed++;
      },
    }),
  };
  return contestant;
}

const failing = (): void => {
  throw new Error('it broke\nwith a second line');
};
const compare = (...contestants: Contestant[]) =>
  runComparison({ id: 'some', title: 'some work', contestants }, gpu, quiet);

describe('runComparison', () => {
  test('times all in turn, as multiples of the first, and frees them', async () => {
    const all = [fake('first', { maxError: 1e-7, limit: 1e-6 }), fake('second')];
    const { rounds, placed, skipped } = await compare(...all);
    expect(rounds).toBe(3);
    expect(placed.map(({ name, samples }) => [name, samples.length])).toEqual([
      ['first', 3],
      ['second', 3],
    ]);
    expect(placed[0]!.ratio.median).toBe(1);
    expect(skipped).toEqual([]);
    // First use, a warm-up round, three timed ones.
    expect(all.map(({ runs, disposed }) => [runs, disposed])).toEqual([
      [5, 1],
      [5, 1],
    ]);
  });

  test('goes on without one that fails or cannot, but not without the first', async () => {
    const cannot: Contestant = {
      name: 'absent',
      how: '',
      prepare: async () => ({ unsupported: 'no device' }),
    };
    const { placed, skipped } = await compare(
      fake('first'),
      cannot,
      fake('broken', undefined, failing),
    );
    expect(placed).toHaveLength(1);
    expect(skipped).toEqual([
      { name: 'absent', reason: 'no device' },
      { name: 'broken', reason: 'it broke' },
    ]);
    await expect(compare(fake('broken', undefined, failing))).rejects.toThrow('it broke');
  });

  test('stops when it is told to', async () => {
    const abort = new AbortController();
    abort.abort(new Error('enough'));
    const options = { ...quiet, signal: abort.signal };
    const comparison = { id: 'some', title: 'some work', contestants: [fake('first')] };
    await expect(runComparison(comparison, gpu, options)).rejects.toThrow('enough');
  });
});

describe('renderComparisons', () => {
  test('tells what was promised, kept or not, and what is wrong', async () => {
    const result = await compare(
      { ...fake('first', { maxError: 2, limit: 1 }), atMost: 1 },
      { ...fake('second'), atMost: 0 },
      { ...fake('third'), atMostMs: 1e6 },
      { ...fake('fourth'), atMostMs: -1 },
      { ...fake('fifth'), atLeast: 1e9 },
      { ...fake('sixth'), atLeast: 0 },
    );
    const lines = renderComparisons([result]).split('\n');
    expect(lines[1]).toBe('some work (some, 3 interleaved rounds)');
    expect(lines[3]).toMatch(
      /first +1\.000× +≤ 1\.000 ✓ .* 2\.0e\+0 +WRONG RESULT: call of first$/,
    );
    expect(lines[4]).toMatch(/second .*≤ 0\.000 ✗ .* — +call of second$/);
    expect(lines[5]).toMatch(/third .*≤ 1000000\.0 ms ✓ .* — +call of third$/);
    expect(lines[6]).toMatch(/fourth .*≤ -1\.0 ms ✗ .* — +call of fourth$/);
    expect(lines[7]).toMatch(/fifth .*≥ 1000000000\.000 ✗ /);
    expect(lines[8]).toMatch(/sixth .*≥ 0\.000 ✓ /);
    expect(isWrong({ distance: { maxError: Number.NaN, limit: 1 } })).toBe(true);
  });
});

test('every comparison has an id of its own, and two contestants or more', () => {
  expect(new Set(comparisons.map(({ id }) => id)).size).toBe(comparisons.length);
  for (const { contestants } of comparisons) {
    expect(contestants.length).toBeGreaterThan(1);
    expect(contestants[0]!.atMost).toBeUndefined();
  }
});
