import { type Check, sameRun, withinBudget } from '../budget/output-checks.ts';
import { expected, type Expected } from '../budget/error-budgets.ts';
import type { FloatDType } from '../reference/number-types.ts';
import { naiveAttention, referenceAttention } from '../reference/reference-attention.ts';
import type { AttentionState, Problem } from '../reference/reference-problem.ts';
import { gatherState } from '../problems/rearrange-problem.ts';

// The reference is the slow part of most cases, and one problem is launched in several ways.
const known = new WeakMap<Problem, Partial<Record<FloatDType, Expected>>>();

/** The float64 result of a problem and its error budgets. */
export function expectedFor(problem: Problem, dtype: FloatDType): Expected {
  const results = known.get(problem) ?? {};
  known.set(problem, results);
  return (results[dtype] ??= expected(referenceAttention(problem), naiveAttention(problem), dtype));
}

/** Both results of a run against float64. */
export function isRight(
  label: string,
  got: AttentionState,
  problem: Problem,
  dtype: FloatDType,
): Check[] {
  return withinBudget(label, got, expectedFor(problem, dtype));
}

/** The rows of two problems' sequences equal bit for bit, whatever layout each is in. */
export function sameSequences(
  label: string,
  a: [Problem, AttentionState, number[]?],
  b: [Problem, AttentionState, number[]?],
): Check[] {
  return sameRun(label, gatherState(...a), gatherState(...b));
}
