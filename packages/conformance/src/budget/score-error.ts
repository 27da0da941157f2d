import type { NdArray } from '../reference/nd-array.ts';
import type { Budget, Expected } from './budget.ts';

/**
 * Budgets for scores that are each off by up to `error`: a softmax weight is then off by a factor of at most e^±2·error,
 * so `out` by 2·error of the largest value, and `lse` by `error`.
 */
export function allowScoreError(want: Expected, v: NdArray, error: number): Expected {
  if (error === 0) return want;
  let largest = 0;
  // Unused memory may hold NaN.
  for (const x of v.data) if (Math.abs(x) > largest) largest = Math.abs(x);
  const wider = ({ limit, naiveError, allowance }: Budget, by: number): Budget => ({
    limit: limit + by,
    naiveError,
    allowance: allowance + by,
  });
  const { out, lse } = want.budgets;
  return {
    ...want,
    budgets: { out: wider(out, 2 * error * largest), lse: wider(lse, error) },
  };
}
