import { describe, expect, it } from 'vitest';
import { reportOf } from '../../../src/tune/contest.ts';

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
