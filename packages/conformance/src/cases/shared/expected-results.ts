import type { Gpu } from '@heed/core';
import { allowScoreError, type Expected, expected } from '../../budget/error-budgets.ts';
import { type Check, sameRun, withinBudget } from '../../budget/output-checks.ts';
import { launch } from '../../problems/launch-problem.ts';
import { gatherState } from '../../problems/rearrange-problem.ts';
import type { FloatDType } from '../../reference/number-types.ts';
import { naiveAttention, referenceAttention } from '../../reference/reference-attention.ts';
import type { AttentionState, ReferenceProblem } from '../../reference/reference-problem.ts';
import { roundedQueries } from '../../reference/rounded-queries.ts';

// Cached, because the reference is the slow part of most cases and one problem is launched in several ways.
const known = new WeakMap<ReferenceProblem, Partial<Record<FloatDType, Expected>>>();

/** Returns the float64 result of a problem with its error budgets. */
export function expectedFor(problem: ReferenceProblem, dtype: FloatDType): Expected {
  const results = known.get(problem) ?? {};
  known.set(problem, results);
  return (results[dtype] ??= expected(referenceAttention(problem), naiveAttention(problem), dtype));
}

/** Checks both results of a run against float64. */
export function isRight(
  label: string,
  got: AttentionState,
  problem: ReferenceProblem,
  dtype: FloatDType,
): Check[] {
  return withinBudget(label, got, expectedFor(problem, dtype));
}

// As above, of the problem whose rows of q are rounded.
const knownRounded = new WeakMap<ReferenceProblem, ReturnType<typeof roundedQueries>>();

/**
 * Checks both results of a run, whose keys may lie in quantised pages, against float64. Kernels that multiply integers, if a Gpu is told to
 * take them, are held to the rounded rows of q.
 */
export function isRightInPages(
  gpu: Gpu,
  label: string,
  got: AttentionState,
  problem: ReferenceProblem,
  dtype: FloatDType,
): Check[] {
  const multipliesIntegers =
    gpu.tuning?.force?.path === 'integers' && gpu.capabilities.integerDots && problem.format;
  if (!multipliesIntegers) return isRight(label, got, problem, dtype);
  const rounded = knownRounded.get(problem) ?? roundedQueries(problem);
  knownRounded.set(problem, rounded);
  const want = expectedFor(rounded.problem, dtype);
  return withinBudget(label, got, allowScoreError(want, problem.v, rounded.scoreError));
}

/** Checks that the sequences of two problems have equal results bit for bit. The layouts may differ. */
export function sameSequences(
  label: string,
  a: [ReferenceProblem, AttentionState, number[]?],
  b: [ReferenceProblem, AttentionState, number[]?],
): Check[] {
  return sameRun(label, gatherState(...a), gatherState(...b));
}

/** Runs a problem with each number of splits and checks it against float64. */
export async function rightInSplits(
  gpu: Gpu,
  problem: ReferenceProblem,
  dtype: FloatDType,
  counts: readonly (number | 'auto')[],
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const numSplits of counts) {
    const got = await launch(gpu, problem, dtype, { numSplits });
    checks.push(...isRight(`numSplits=${numSplits}`, got, problem, dtype));
  }
  return checks;
}
