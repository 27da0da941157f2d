import { describe, expect, test, vi } from 'vitest';
import { interleave } from '../../src/measure.ts';

/** Runs that note their order and move a clock of their own. */
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
