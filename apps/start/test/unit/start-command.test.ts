import { describe, expect, test } from 'vitest';
import { medianTimes } from '../../src/main-job.ts';
import { parseOptions } from '../../src/main.ts';

describe('parseOptions', () => {
  test('defaults to text and a pack that a software adapter finishes soon', () => {
    expect(parseOptions([])).toEqual({ tokens: 4096, json: false, help: false });
  });

  test('takes --tokens and --json', () => {
    expect(parseOptions(['--tokens', '1', '--json'])).toEqual({
      tokens: 1,
      json: true,
      help: false,
    });
  });

  test.each(['0', '-5', '1.5', 'many', ''])('refuses --tokens=%s', (tokens) => {
    expect(() => parseOptions([`--tokens=${tokens}`])).toThrow(
      /--tokens: takes a whole number ≥ 1/,
    );
  });

  test('refuses a flag it does not know', () => {
    expect(() => parseOptions(['--fast'])).toThrow(/--fast/);
  });
});

/** Returns runs that take the given milliseconds on a fake clock. */
function fakes(...costs: number[][]): {
  order: number[];
  runs: (() => Promise<void>)[];
  now: () => number;
} {
  let time = 0;
  const order: number[] = [];
  const runs = costs.map((list, i) => async (): Promise<void> => {
    order.push(i);
    time += list.shift() as number;
  });
  return { order, runs, now: () => time };
}

test('gives medians of work done in turn', async () => {
  const { order, runs, now } = fakes([1, 9, 2], [30, 20, 10]);
  const times = await medianTimes(runs, { budget: 1000, maxRounds: 3, now });
  expect(times).toEqual({ ms: [2, 20], rounds: 3 });
  expect(order).toEqual([0, 1, 0, 1, 0, 1]);
});

test('takes the mean of the middle two of an even number of rounds', async () => {
  const { runs, now } = fakes([1, 2, 4, 100]);
  const times = await medianTimes(runs, { budget: 1000, maxRounds: 4, now });
  expect(times).toEqual({ ms: [3], rounds: 4 });
});

test('times as many rounds as the budget holds, and one at least', async () => {
  const two = fakes(Array(9).fill(100));
  expect(await medianTimes(two.runs, { budget: 299, maxRounds: 5, now: two.now })).toMatchObject({
    rounds: 2,
  });
  const one = fakes(Array(9).fill(100));
  expect(await medianTimes(one.runs, { budget: 5, maxRounds: 5, now: one.now })).toMatchObject({
    rounds: 1,
  });
});
