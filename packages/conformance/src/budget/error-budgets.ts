import type { NdArray } from '../reference/nd-array.ts';
import { float64, type FloatDType, toStorage, ulp } from '../reference/number-types.ts';
import {
  headIndex,
  keysOfRow,
  optionDerivative,
  scoreFunction,
  slopeDerivative,
  slopeIndex,
} from '../reference/pair-scores.ts';
import type { ResultGradients } from '../reference/reference-gradients.ts';
import type { AttentionState, ReferenceProblem } from '../reference/reference-problem.ts';
import { headsOf, type Sequence, sequencesOf } from '../reference/sequences.ts';

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
  readonly budgets: { readonly out: Budget; readonly lse: Budget; readonly max?: Budget };
}

// WGSL allows exp2 an error of 3 + 2|x| ulp; four ulp at the result's magnitude holds on every adapter tried.
const outUlps = { f32: 4, f16: 1, bf16: 1 } as const;
const lseUlps = 4;
// WGSL allows log an absolute error of 2⁻²¹ near 1 (https://www.w3.org/TR/WGSL/#floating-point-accuracy).
const logError = 2 ** -21;
// A gradient sums weights, each with the error of exp2, and a tile adds them in another order than the naive run: measured errors
// are 1 to 2.5 times the naive one. In f16 and bf16 the rounding of the result is larger than all of that.
const gradientUlps = { f32: 8, f16: 1, bf16: 1 } as const;
// A gradient with one number per head has so few elements that its naive error says little. The allowance is therefore the whole
// error of a weight's exp, 3 + 2|x| ulp for x = sink − maximum near −10, and two standard deviations of the sum.
const headUlps = 24;
const headSpreads = 2;

/**
 * Returns the budget of `out`: max|out − ref64| ≤ 2·max|naive − ref64| + a few ulp at max|ref64|. This is the rule of
 * FlashAttention's tests, with a same-precision naive run in place of PyTorch's.
 */
function outBudget(reference: NdArray, naive: NdArray, dtype: FloatDType): Budget {
  return storedBudget(reference, naive, dtype, outUlps[dtype]);
}

/**
 * Returns the budget of dq, dk or dv by the same rule; `dtype` is the gradient's storage type. Large scores get no extra
 * allowance: the weights that backward recomputes must be the weights of the forward pass.
 */
export function gradientBudget(reference: NdArray, naive: NdArray, dtype: FloatDType): Budget {
  return storedBudget(reference, naive, dtype, gradientUlps[dtype]);
}

function storedBudget(reference: NdArray, naive: NdArray, dtype: FloatDType, ulps: number): Budget {
  const stored = new Float64Array(naive.data).map((x) => toStorage(x, dtype));
  const allowance = ulps * ulp(largest(reference), dtype);
  return budget(maxDifference(stored, reference.data), allowance);
}

/** Returns the budget of dSinks or dAlibiSlopes, which are f32 whatever the storage type; `spread` comes from `headSpread`. */
export function headBudget(reference: NdArray, naive: NdArray, spread: number): Budget {
  const allowance = headUlps * ulp(largest(reference), 'f32') + headSpreads * spread;
  return budget(maxDifference(naive.data, reference.data), allowance);
}

/** Returns the budget of `lse` or `max`, which are f32 whatever the storage type. */
function lseBudget(reference: NdArray, naive: NdArray): Budget {
  const allowance = lseUlps * ulp(Math.max(1, largest(reference)), 'f32') + logError;
  return budget(maxDifference(naive.data, reference.data), allowance);
}

function budget(naiveError: number, allowance: number): Budget {
  return { limit: 2 * naiveError + allowance, naiveError, allowance };
}

/** Adds to the allowance of a budget. */
export function widened({ limit, naiveError, allowance }: Budget, by: number): Budget {
  return { limit: limit + by, naiveError, allowance: allowance + by };
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
      ...(reference.max && naive.max && { max: lseBudget(reference.max, naive.max) }),
    },
  };
}

/**
 * Widens the budgets for scores that are each off by up to `error`. A softmax weight is then off by a factor of at most
 * e^±2·error, so `out` by 2·error times the largest value, and `lse` and `max` by `error`.
 */
export function allowScoreError(want: Expected, v: NdArray, error: number): Expected {
  if (error === 0) return want;
  const { out, lse, max } = want.budgets;
  return {
    ...want,
    budgets: {
      out: widened(out, 2 * error * largest(v)),
      lse: widened(lse, error),
      ...(max && { max: widened(max, error) }),
    },
  };
}

/** Returns |got − want|: 0 for equal infinities, Infinity where only one is finite or either is NaN. */
export function difference(got: number, want: number): number {
  if (got === want) return 0;
  const distance = Math.abs(got - want);
  return Number.isNaN(distance) ? Infinity : distance;
}

/** Returns the largest {@link difference} of two arrays of equal length. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let max = 0;
  for (let i = 0; i < b.length; i++)
    max = Math.max(max, difference(a[i] as number, b[i] as number));
  return max;
}

/** Returns the largest finite magnitude of an array. */
export function largest({ data }: NdArray): number {
  let max = 0;
  for (const x of data) if (Number.isFinite(x) && Math.abs(x) > max) max = Math.abs(x);
  return max;
}

/** Standard deviations of the gradients with one number per head: the largest over heads. */
interface HeadSpread {
  readonly dSinks: number;
  readonly dAlibiSlopes: number;
  readonly dScale: number;
  readonly dSoftcap: number;
}

// The relative error of a weight: WGSL allows exp2 an error of 3 + 2|x| ulp.
const weightError = 8 * 2 ** -24;

/**
 * Estimates the rounding error of gradients with one number per head. Each sums one delta = rowsum(dOut∘out) − dLse per row, with
 * elements of `out` that are off by up to half an ulp of their storage type; dSinks also sums one weight per row. The terms have
 * both signs, so the sum may be smaller than its terms, and the error of one naive run says little.
 */
export function headSpread(
  problem: ReferenceProblem,
  state: AttentionState,
  by: ResultGradients,
  dtype: FloatDType,
): HeadSpread {
  const { sinks, alibiSlopes, scale, softcap } = problem.options;
  const numbersOf = (given: number | NdArray | undefined): Float64Array =>
    new Float64Array(typeof given === 'object' ? given.data.length : 0);
  const [ofSinks, ofSlopes] = [numbersOf(sinks), numbersOf(alibiSlopes)];
  const [ofScale, ofSoftcap] = [numbersOf(scale), numbersOf(softcap)];
  if ([ofSinks, ofSlopes, ofScale, ofSoftcap].some((numbers) => numbers.length > 0)) {
    for (const row of rowsOf(problem, state, by, dtype)) {
      const { sequence, h, lse, delta, variance } = row;
      if (sinks) {
        const weight = Math.exp(sinks.data[h]! - lse);
        ofSinks[h]! += weight ** 2 * (variance + (delta * weightError) ** 2);
      }
      const follows = (name: HeadOption): number =>
        variance * meanDerivative(problem, row, name) ** 2;
      if (alibiSlopes) ofSlopes[slopeIndex(alibiSlopes, sequence, h)]! += follows('alibiSlopes');
      if (typeof scale === 'object') ofScale[headIndex(scale, h)]! += follows('scale');
      if (typeof softcap === 'object') ofSoftcap[headIndex(softcap, h)]! += follows('softcap');
    }
  }
  const spreadOf = (numbers: Float64Array): number => Math.sqrt(Math.max(0, ...numbers));
  return {
    dSinks: spreadOf(ofSinks),
    dAlibiSlopes: spreadOf(ofSlopes),
    dScale: spreadOf(ofScale),
    dSoftcap: spreadOf(ofSoftcap),
  };
}

type HeadOption = Parameters<typeof optionDerivative>[0];

/** A query row with a visible key, its delta, and the variance of the delta. */
interface SpreadRow {
  readonly sequence: Sequence;
  readonly h: number;
  readonly i: number;
  readonly lse: number;
  readonly delta: number;
  readonly variance: number;
}

function* rowsOf(
  problem: ReferenceProblem,
  { out, lse }: AttentionState,
  { dOut, dLse }: ResultGradients,
  dtype: FloatDType,
): Generator<SpreadRow> {
  const { query, v } = headsOf(problem);
  for (const sequence of sequencesOf(problem)) {
    for (let h = 0; h < query; h++) {
      for (let i = 0; i < sequence.qLen; i++) {
        const [at, lseAt] = [sequence.out(h, i), sequence.lse(h, i)];
        if (lse.data[lseAt] === -Infinity) continue;
        let delta = -(dLse?.data[lseAt] ?? 0);
        let variance = 0;
        for (let d = at; d < at + v; d++) {
          delta += dOut.data[d]! * out.data[d]!;
          // The variance of a uniform error of up to half an ulp.
          variance += (dOut.data[d]! * ulp(out.data[d]!, dtype)) ** 2 / 12;
        }
        yield { sequence, h, i, lse: lse.data[lseAt]!, delta, variance };
      }
    }
  }
}

/** Returns Σ P·d(score)/d(option) over the keys of a row: the factor of its delta in the gradient of the option. */
function meanDerivative(
  problem: ReferenceProblem,
  { sequence, h, i, lse }: SpreadRow,
  name: HeadOption,
): number {
  const { q, k } = problem;
  const heads = headsOf(problem);
  const hkv = Math.floor(h / (heads.query / heads.kv));
  const score = scoreFunction(problem, sequence, h, float64);
  const { position, keys } = keysOfRow(problem, sequence, h, i);
  let sum = 0;
  for (const j of keys) {
    const product = float64.dot(q.data, sequence.q(h, i), k.data, sequence.k(hkv, j), heads.qk);
    const weight = Math.exp(score(product, i, j, position) - lse);
    if (weight === 0) continue;
    const pair = { problem, sequence, h, product, i, j, position };
    sum += weight * (name === 'alibiSlopes' ? slopeDerivative(pair) : optionDerivative(name, pair));
  }
  return sum;
}
