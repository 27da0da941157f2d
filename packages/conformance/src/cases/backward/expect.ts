import { type Budget, gradientBudget, largest, sinkBudget } from '../../budget/budget.ts';
import { type Check, near, sameBits } from '../../budget/checks.ts';
import type { FloatDType } from '../../numerics/storage.ts';
import { poisonUnused } from '../../problems/rearrange.ts';
import {
  type Gradients,
  naiveGradients,
  referenceGradients,
  type ResultGradients,
} from '../../reference/gradients.ts';
import { filled, type NdArray } from '../../reference/nd-array.ts';
import type { Problem } from '../../reference/problem.ts';

/** The gradients that backward gives. */
const names = ['dq', 'dk', 'dv', 'dSinks'] as const;

type Name = (typeof names)[number];

interface Expected {
  readonly want: Gradients;
  readonly budgets: Readonly<Partial<Record<Name, Budget>>>;
}

// The reference is the slow part of most cases, and one problem is launched in several ways.
const known = new WeakMap<ResultGradients, Partial<Record<FloatDType, Expected>>>();

function expectedFor(problem: Problem, by: ResultGradients, dtype: FloatDType): Expected {
  const results = known.get(by) ?? {};
  known.set(by, results);
  return (results[dtype] ??= compute(problem, by, dtype));
}

function compute(problem: Problem, by: ResultGradients, dtype: FloatDType): Expected {
  const want = referenceGradients(problem, by);
  const naive = naiveGradients(problem, by, dtype);
  const budgets = names.flatMap((name) => {
    const [w, n] = [want[name], naive[name]];
    if (w === undefined || n === undefined) return [];
    return [[name, name === 'dSinks' ? sinkBudget(w, n) : gradientBudget(w, n, dtype)]];
  });
  return { want, budgets: Object.fromEntries(budgets) as Expected['budgets'] };
}

/**
 * Gradients within their budgets, and exactly 0 wherever no sequence has a row. `scoreError` is how far the score mod may be
 * off: weights and slopes are then off in that proportion, so the gradients by about 4·error of the largest.
 */
export function areRight(
  label: string,
  got: Gradients,
  problem: Problem,
  by: ResultGradients,
  dtype: FloatDType,
  scoreError = 0,
): Check[] {
  const { want, budgets } = expectedFor(problem, by, dtype);
  const checks = names.flatMap((name) => {
    const [w, budget] = [want[name], budgets[name]];
    if (w === undefined || budget === undefined) return [];
    const g = got[name] ?? filled([0], 0);
    return [near(`${label}: ${name}`, g, w, wider(budget, 4 * scoreError * largest(w)))];
  });
  return [...checks, ...unusedAreZero(label, got, problem)];
}

/** Rows that no sequence uses have gradient 0 (or −0, by a negative scale), not something small. */
function unusedAreZero(label: string, got: Gradients, problem: Problem): Check[] {
  const ones = {
    ...problem,
    q: alike(problem.q, 1),
    k: alike(problem.k, 1),
    v: alike(problem.v, 1),
  };
  const { q, k, v } = poisonUnused(ones, 0);
  const zeroed = ({ shape, data }: NdArray, used: NdArray): NdArray => ({
    shape,
    data: data.map((x, i) => (used.data[i] === 0 && x !== 0 ? 0 : x)),
  });
  return (
    [
      ['dq', q],
      ['dk', k],
      ['dv', v],
    ] as const
  ).map(([name, used]) =>
    sameBits(`${label}: ${name} of unused rows`, got[name], zeroed(got[name], used)),
  );
}

/** Every gradient equal bit for bit. */
export function sameGradients(label: string, got: Gradients, want: Gradients): Check[] {
  return names.flatMap((name) => {
    const [g, w] = [got[name], want[name]];
    return w === undefined ? [] : [sameBits(`${label}: ${name}`, g ?? filled([0], 0), w)];
  });
}

const alike = ({ shape }: NdArray, value: number): NdArray => filled(shape, value);

const wider = ({ limit, naiveError, allowance }: Budget, by: number): Budget => ({
  limit: limit + by,
  naiveError,
  allowance: allowance + by,
});
