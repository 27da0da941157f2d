import { expect, it } from 'vitest';
import { winner } from '../../../src/tune/contest.ts';
import type { CandidateReport } from '../../../src/tune/tune-options.ts';

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
