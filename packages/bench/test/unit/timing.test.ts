import { describe, expect, test, vi } from 'vitest';
import { interleave, Pace, pairedRatios, quantile, summarize } from '../../src/measure/timing.ts';

/** Makes runs that record their order and advance a fake clock. */
function fakes(costs: readonly number[]): {
  order: number[];
  runs: (() => Promise<void>)[];
  now: () => number;
} {
  let time = 0;
  const order: number[] = [];
  const runs = costs.map((cost, i) => async () => {
    order.push(i);
    time += cost;
  });
  return { order, runs, now: () => time };
}

describe('interleave', () => {
  test('gives each run its own milliseconds, one per round, warm-ups left out', async () => {
    const { order, runs, now } = fakes([3, 50]);
    const samples = await interleave(runs, { rounds: 4, warmups: 1, now });
    expect(samples).toEqual([
      [3, 3, 3, 3],
      [50, 50, 50, 50],
    ]);
    expect(order).toHaveLength(10);
  });

  test('turns the order, so that each run goes first equally often', async () => {
    const { order, runs, now } = fakes([1, 1, 1]);
    await interleave(runs, { rounds: 3, warmups: 0, now });
    expect(order).toEqual([0, 1, 2, 1, 2, 0, 2, 0, 1]);
  });

  test('begins no round after maxMs, but for the first', async () => {
    const { runs, now } = fakes([10, 90]);
    expect(await interleave(runs, { rounds: 9, maxMs: 250, now })).toEqual([
      [10, 10],
      [90, 90],
    ]);
    expect(await interleave(runs, { rounds: 9, maxMs: 1, now })).toEqual([[10], [90]]);
  });

  test('rests before each run, which counts for none', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const { order, runs, now } = fakes([3, 50]);
    const timing = interleave(runs, { rounds: 1, warmups: 0, restMs: 40, now });
    await vi.advanceTimersByTimeAsync(39);
    expect(order).toEqual([]);
    await vi.advanceTimersByTimeAsync(40);
    expect(order).toEqual([0]);
    await vi.advanceTimersByTimeAsync(40);
    expect(await timing).toEqual([[3], [50]]);
    vi.useRealTimers();
  });

  test('stops between runs when the signal aborts', async () => {
    const { order, runs, now } = fakes([1, 1]);
    const abort = new AbortController();
    const stopping = [runs[0] as () => Promise<void>, async () => abort.abort(new Error('enough'))];
    await expect(
      interleave(stopping, { rounds: 9, warmups: 0, now, signal: abort.signal }),
    ).rejects.toThrow('enough');
    expect(order).toEqual([0]);
  });
});

describe('quantile', () => {
  test('is the middle sample of an odd count, the mean of the two middle ones of an even count', () => {
    expect(quantile([9, 1, 5], 0.5)).toBe(5);
    expect(quantile([9, 1, 5, 7], 0.5)).toBe(6);
  });

  test('sorts numbers, not their text', () => {
    expect(quantile([100, 9, 20], 1)).toBe(100);
  });

  test('interpolates between order statistics', () => {
    expect(quantile([0, 10, 20, 30, 40], 0.3)).toBeCloseTo(12);
  });

  test('leaves the samples as they were', () => {
    const samples = [3, 1, 2];
    quantile(samples, 0.5);
    expect(samples).toEqual([3, 1, 2]);
  });

  test('names the fix when there are no samples', () => {
    expect(() => quantile([], 0.5)).toThrow(/at least one sample/);
  });
});

test('a summary holds the extremes and quartiles', () => {
  expect(summarize([4, 1, 3, 2, 5])).toEqual({ median: 3, min: 1, max: 5, q1: 2, q3: 4 });
});

describe('pairedRatios', () => {
  test('divides round by round, so that a slow round of both sides cancels out', () => {
    expect([...pairedRatios([2, 20, 2], [1, 10, 1])]).toEqual([2, 2, 2]);
  });

  test('refuses series of unequal length', () => {
    expect(() => pairedRatios([1, 2], [1])).toThrow(/one sample per round; got 2 and 1/);
  });
});

test('a pace numbers the steps, and takes those to come to be like those done', () => {
  let now = 500;
  const pace = new Pace(4, () => now);
  expect(pace.next('a')).toBe('1/4 a');
  now += 40_000;
  expect(pace.next('b')).toBe('2/4 b, about 2:00 left');
  now += 10_000;
  expect(pace.next('c')).toBe('3/4 c, about 0:50 left');
  now += 400;
  expect(pace.next('d')).toBe('4/4 d, about 0:17 left');
});
