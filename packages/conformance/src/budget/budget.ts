import type { AttentionState } from '../reference/problem.ts';
import type { NdArray } from '../reference/nd-array.ts';
import { type FloatDType, toStorage, ulp } from '../numerics/storage.ts';

/** How far a result may be from float64, and where the number comes from. */
export interface Budget {
  /** The largest |got − ref64| allowed. */
  readonly limit: number;
  /** max|naive − ref64|: the error of a plain f32 program with inputs and outputs in the storage type. */
  readonly naiveError: number;
  /** The allowance on top, for the accuracy of the adapter's own exp, log and tanh. */
  readonly allowance: number;
}

/** The float64 result with the budgets that follow from it. */
export interface Expected extends AttentionState {
  readonly budgets: { readonly out: Budget; readonly lse: Budget };
}

// WGSL leaves exp2 3 + 2|x| ulp; four at the result's magnitude holds on every adapter tried.
const outUlps = { f32: 4, f16: 1 } as const;
const lseUlps = 4;
// WGSL allows log an absolute error of 2⁻²¹ near 1 (https://www.w3.org/TR/WGSL/#floating-point-accuracy).
const logError = 2 ** -21;

/**
 * The budget of `out`: max|out − ref64| ≤ 2·max|naive − ref64| + a few ulp at max|ref64|, the rule of
 * FlashAttention's tests with a same-precision naive run in the place of PyTorch's.
 */
export function outBudget(reference: NdArray, naive: NdArray, dtype: FloatDType): Budget {
  const stored = Float64Array.from(naive.data, (x) => toStorage(x, dtype));
  const allowance = outUlps[dtype] * ulp(largest(reference), dtype);
  return budget(maxDifference(stored, reference.data), allowance);
}

// As WGSL's exp2 again, but in every weight that a gradient sums, and a tile's sums do not run in the naive order: measured
// errors are 1 to 2.5 times the naive one. Halves hide all of that in their own rounding.
const gradientUlps = { f32: 8, f16: 1 } as const;
// One number per head: the largest of so few naive errors says little. So all that a weight's exp may be off is allowed here,
// 3 + 2|x| ulp for x = sink − maximum near −10; and two standard deviations of what the sum is off by chance.
const headUlps = 24;
const headSpreads = 2;

/**
 * The budget of dq, dk or dv, by the same rule; `dtype` is its storage type. However large scores are, weights that are computed
 * again are those of the forward pass: an ulp of lse is not allowed for.
 */
export function gradientBudget(reference: NdArray, naive: NdArray, dtype: FloatDType): Budget {
  const stored = Float64Array.from(naive.data, (x) => toStorage(x, dtype));
  const allowance = gradientUlps[dtype] * ulp(largest(reference), dtype);
  return budget(maxDifference(stored, reference.data), allowance);
}

/** The budget of dSinks or dAlibiSlopes, which are f32 whatever the storage type; `spread` is that of {@link headSpread}. */
export function headBudget(reference: NdArray, naive: NdArray, spread: number): Budget {
  const allowance = headUlps * ulp(largest(reference), 'f32') + headSpreads * spread;
  return budget(maxDifference(naive.data, reference.data), allowance);
}

/** The budget of `lse`, which is f32 whatever the storage type. */
export function lseBudget(reference: NdArray, naive: NdArray): Budget {
  const allowance = lseUlps * ulp(Math.max(1, largest(reference)), 'f32') + logError;
  return budget(maxDifference(naive.data, reference.data), allowance);
}

function budget(naiveError: number, allowance: number): Budget {
  return { limit: 2 * naiveError + allowance, naiveError, allowance };
}

/** Pairs a float64 result with its budgets. */
export function expected(
  reference: AttentionState,
  naive: AttentionState,
  dtype: FloatDType,
): Expected {
  return {
    ...reference,
    budgets: {
      out: outBudget(reference.out, naive.out, dtype),
      lse: lseBudget(reference.lse, naive.lse),
    },
  };
}

/** |got − want|; 0 for equal infinities, Infinity where only one is finite or either is NaN. */
export function difference(got: number, want: number): number {
  if (got === want) return 0;
  const distance = Math.abs(got - want);
  return Number.isNaN(distance) ? Infinity : distance;
}

/** The largest {@link difference} of two arrays of one length. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let max = 0;
  for (let i = 0; i < b.length; i++)
    max = Math.max(max, difference(a[i] as number, b[i] as number));
  return max;
}

/** Largest finite magnitude. */
export function largest({ data }: NdArray): number {
  let max = 0;
  for (const x of data) if (Number.isFinite(x) && Math.abs(x) > max) max = Math.abs(x);
  return max;
}
