import { describe, expect, it } from 'vitest';
import { disagreement } from '../../src/tune/contender.ts';
import { reportOf, winner } from '../../src/tune/contest.ts';
import { quantile, race } from '../../src/tune/race.ts';
import type { CandidateReport } from '../../src/tune/tune-options.ts';

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

const contender = { entry: { path: 'portable' }, compileMs: 5 };
const timed = (laps: readonly number[], base: readonly number[]) =>
  reportOf(contender, { laps, isDropped: false }, base);

describe('the report of a race', () => {
  it('has the median time, and that of the ratios in the same round', () => {
    const report = timed([2, 4, 30], [4, 4, 40]);
    expect(report).toMatchObject({ status: 'timed', ms: 4, ratio: 0.75, isSteady: true });
  });

  it('calls a gain steady that most rounds and the best laps show', () => {
    expect(timed([9, 9, 9, 9, 90], [10, 10, 10, 10, 10])).toHaveProperty('isSteady', true);
    expect(timed([9, 9, 9, 12, 12], [10, 10, 10, 10, 10])).toHaveProperty('isSteady', false);
    // The default had bad luck in most rounds, but it can be faster.
    expect(timed([9, 9, 9, 9, 9], [8, 12, 12, 12, 12])).toHaveProperty('isSteady', false);
  });

  it('says who was dropped or never began', () => {
    expect(reportOf(contender, { laps: [9], isDropped: true }, [3, 3])).toMatchObject({
      status: 'dropped',
      ratio: 3,
      reason: 'over 1.5 × the best of the first round',
    });
    expect(reportOf(contender, { laps: [], isDropped: false }, [3])).toMatchObject({
      status: 'skipped',
    });
  });
});

const candidate = (
  threadsM: number,
  ratio: number | undefined,
  status: CandidateReport['status'] = 'timed',
  isSteady = true,
): CandidateReport => ({
  entry: { threadsM },
  status,
  ...(ratio !== undefined && { ratio, isSteady }),
});
const base = candidate(8, 1);

it('is the fastest', () => {
  const reports = [base, candidate(4, 0.9), candidate(16, 0.8), candidate(32, 1.2)];
  expect(winner(reports)).toEqual({ threadsM: 16 });
});

it('is the default if nothing is 3 % faster', () => {
  expect(winner([base, candidate(4, 0.98)])).toEqual({ threadsM: 8 });
  expect(winner([base, candidate(4, 0.97)])).toEqual({ threadsM: 4 });
  expect(winner([base])).toEqual({ threadsM: 8 });
});

it.for(['wrong', 'failed', 'slow', 'skipped', 'dropped'] as const)('is never %s', (status) => {
  const reports = [base, candidate(4, 0.1, status), candidate(16, undefined, status)];
  expect(winner(reports)).toEqual({ threadsM: 8 });
});

it('is never what was faster by chance', () => {
  const reports = [base, candidate(4, 0.8, 'timed', false), candidate(16, 0.9)];
  expect(winner(reports)).toEqual({ threadsM: 16 });
});

const want = Float32Array.of(2, -1, 0.5, 0);

it('lets sums differ as they do in another order', () => {
  const got = want.map((x) => x + 2e-5);
  expect(disagreement(got, want, 'f32')).toBeUndefined();
  expect(
    disagreement(
      want.map((x) => x + 4e-3),
      want,
      'f16',
    ),
  ).toBeUndefined();
});

it.for([
  ['f32', 1e-3],
  ['f16', 1e-2],
] as const)('tells the first element that is off: %s', ([dtype, off]) => {
  const got = want.map((x, i) => (i < 2 ? x : x + off));
  expect(disagreement(got, want, dtype)).toMatch(/^element 2 is 0\.5\d+, the default gives 0\.5$/);
});

it('takes no NaN for agreement, nor a missing element', () => {
  expect(disagreement(Float32Array.of(2, NaN, 0.5, 0), want, 'f16')).toContain('element 1 is NaN');
  expect(disagreement(want.slice(0, 3), want, 'f16')).toContain('element 3 is undefined');
});

it('asks no more of results near 0 than of others', () => {
  const tiny = Float32Array.of(1e-9, -1e-9);
  expect(disagreement(Float32Array.of(-1e-9, 1e-9), tiny, 'f32')).toBeUndefined();
});
