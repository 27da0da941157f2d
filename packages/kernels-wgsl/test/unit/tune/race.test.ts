import { describe, expect, it } from 'vitest';
import { quantile, race } from '../../../src/tune/race.ts';

/** Competitors whose laps take what is listed, the last for ever, on a clock that only they move. */
function field(...times: number[][]) {
  let time = 0;
  const order: number[] = [];
  const laps = times.map((list, i) => async (): Promise<number> => {
    order.push(i);
    const ms = list.length > 1 ? list.shift()! : list[0]!;
    time += ms;
    return ms;
  });
  return { laps, order, now: () => time };
}

const forever = { deadline: Infinity } as const;

describe('race', () => {
  it('runs all in turn, another one first each round', async () => {
    const { laps, order } = field([1], [1], [1]);
    const standings = await race(laps, { rounds: 3, ...forever });
    expect(order).toEqual([0, 1, 2, 1, 2, 0, 2, 0, 1]);
    expect(standings.map((one) => one.laps)).toEqual([
      [1, 1, 1],
      [1, 1, 1],
      [1, 1, 1],
    ]);
  });

  it('drops after the first round who takes more than 1.5 times the best', async () => {
    const { laps } = field([10], [15], [15.1], [40]);
    const standings = await race(laps, { rounds: 3, ...forever });
    expect(standings.map((one) => one.isDropped)).toEqual([false, false, true, true]);
    expect(standings.map((one) => one.laps.length)).toEqual([3, 3, 1, 1]);
  });

  it('gives a second lap after a close miss', async () => {
    const { laps, order } = field([10], [20, 11], [31]);
    const standings = await race(laps, { rounds: 1, ...forever });
    expect(standings.map((one) => one.isDropped)).toEqual([false, false, true]);
    expect(standings[1]!.laps).toEqual([11]);
    expect(order).toEqual([0, 1, 2, 1]);
  });

  it('never drops the first, by which the others are measured', async () => {
    const { laps } = field([100], [10]);
    const [first] = await race(laps, { rounds: 2, ...forever });
    expect(first).toEqual({ laps: [100, 100], isDropped: false });
  });

  it('begins no round after the deadline', async () => {
    const { laps, now } = field([10], [10]);
    const [first, second] = await race(laps, { rounds: 9, deadline: 40, now });
    expect([first!.laps.length, second!.laps.length]).toEqual([2, 2]);
  });

  it('leaves out who has not begun by then, but for the first', async () => {
    const { laps, now } = field([10], [10], [10]);
    const standings = await race(laps, { rounds: 9, deadline: 20, now });
    expect(standings.map((one) => one.laps.length)).toEqual([1, 1, 0]);
    const late = field([10], [10]);
    const lap = await race(late.laps, { rounds: 9, deadline: -1, now: late.now });
    expect(lap.map((one) => one.laps.length)).toEqual([1, 0]);
  });

  it('stops between laps with the reason of the signal', async () => {
    const control = new AbortController();
    const { laps, order } = field([1], [1]);
    const stop = async (): Promise<number> => {
      control.abort('enough');
      return 1;
    };
    const { signal } = control;
    await expect(race([laps[0]!, stop, laps[1]!], { rounds: 9, ...forever, signal })).rejects.toBe(
      'enough',
    );
    expect(order).toEqual([0]);
  });
});

it('quantiles lie between order statistics', () => {
  expect([0, 0.25, 0.5, 0.75, 1].map((p) => quantile([9, 1, 5], p))).toEqual([1, 3, 5, 7, 9]);
  expect(quantile([4, 1, 2, 100], 0.5)).toBe(3);
  expect(quantile([3], 0.75)).toBe(3);
});
