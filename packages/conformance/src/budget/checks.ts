import type { NdArray } from '../reference/nd-array.ts';
import type { AttentionState } from '../reference/problem.ts';
import { type Budget, difference, type Expected } from './budget.ts';
import { mismatchTable } from './mismatch.ts';

/** One thing a case asserts: what was measured, against what, and the table when it failed. */
export interface Check {
  readonly label: string;
  readonly ok: boolean;
  readonly error?: number;
  readonly budget?: number;
  readonly report?: string;
}

/** Both results of a run within their error budgets. */
export function withinBudget(label: string, got: AttentionState, want: Expected): Check[] {
  return [
    near(`${label}: out`, got.out, want.out, want.budgets.out),
    near(`${label}: lse`, got.lse, want.lse, want.budgets.lse),
  ];
}

/** One result within its budget. NaN, and an infinity where the reference has none, are infinitely far. */
export function near(
  label: string,
  got: NdArray,
  want: NdArray,
  { limit, naiveError, allowance }: Budget,
): Check {
  let error = 0;
  const length = Math.min(got.data.length, want.data.length);
  for (let i = 0; i < length; i++) error = Math.max(error, difference(at(got, i), at(want, i)));
  if (got.data.length !== want.data.length) error = Infinity;
  if (error <= limit) return { label, ok: true, error, budget: limit };
  const table = mismatchTable({
    label,
    shape: want.shape,
    got: got.data,
    want: want.data,
    isBad: (g, w) => difference(g, w) > limit,
  });
  const sum = `max error ${error.toPrecision(3)} > budget ${limit.toPrecision(3)} = 2·${naiveError.toPrecision(3)} (naive) + ${allowance.toPrecision(3)}`;
  return { label, ok: false, error, budget: limit, report: `${table}\n  ${sum}` };
}

/** Both results of a run equal bit for bit. */
export function sameRun(label: string, got: AttentionState, want: AttentionState): Check[] {
  return [
    sameBits(`${label}: out`, got.out, want.out),
    sameBits(`${label}: lse`, got.lse, want.lse),
  ];
}

/** Equality of bits: −0 differs from 0, a NaN equals a NaN. */
export function sameBits(label: string, got: NdArray, want: NdArray): Check {
  const report = mismatchTable({
    label,
    shape: want.shape,
    got: got.data,
    want: want.data,
    isBad: (g, w) => !Object.is(g, w),
  });
  return report === '' ? { label, ok: true } : { label, ok: false, report };
}

/** Every element finite. */
export function finite(label: string, got: NdArray): Check {
  const report = mismatchTable({
    label: `${label} not finite`,
    shape: got.shape,
    got: got.data,
    want: got.data,
    isBad: (g) => !Number.isFinite(g),
  });
  return report === '' ? { label, ok: true } : { label, ok: false, report };
}

/** A plain condition, with what to print when it does not hold. */
export function holds(label: string, ok: boolean, report: string): Check {
  return ok ? { label, ok } : { label, ok, report: `${label}: ${report}` };
}

function at(array: NdArray, index: number): number {
  return array.data[index] as number;
}
