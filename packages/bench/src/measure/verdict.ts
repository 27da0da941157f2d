import {
  type Expected,
  expected,
  naiveAttention,
  type ReferenceProblem,
  referenceAttention,
} from '@heed/conformance/reference';
import { cuSeqlens, lengthsOf, type Problem, totalTokens } from './bench-problem.ts';
import type { Workload } from './workloads.ts';

/** True or false for a program's result, with its error and limit. */
export interface Verdict {
  readonly right: boolean;
  /** max|got − float64|; Infinity if a value is NaN or the count differs. */
  readonly maxError: number;
  readonly limit: number;
}

// Wide enough for other programs' choices (f16 accumulators, their own exp), and far below every fault seen so far.
const peerLimit = { f32: 1e-4, f16: 1e-2 } as const;

/** Returns the largest distance from the float64 result. */
export function maxErrorOf(got: ArrayLike<number>, want: ArrayLike<number>): number {
  if (got.length !== want.length) return Infinity;
  let max = 0;
  for (let i = 0; i < want.length; i++) {
    const error = Math.abs((got[i] as number) - (want[i] as number));
    if (Number.isNaN(error)) return Infinity;
    if (error > max) max = error;
  }
  return max;
}

/** Judges heed by the conformance error budget, other programs by a fixed limit per storage type. */
export function judge(
  peer: string,
  workload: Workload,
  got: ArrayLike<number>,
  want: Expected,
): Verdict {
  const limit = peer === 'heed' ? want.budgets.out.limit : peerLimit[workload.dtype];
  const maxError = maxErrorOf(got, want.out.data);
  return { right: maxError <= limit, maxError, limit };
}

/** Computes the float64 result of a problem, token-major, and its error budget. A dense batch is a packed one of equal lengths. */
export function expectedOf({ workload, q, k, v, sinks }: Problem): Expected {
  const { headsQ, headsKv, headDim, causal, dtype, window } = workload;
  const [tokensQ, tokensK] = [totalTokens(workload, 'seqlenQ'), totalTokens(workload, 'seqlenK')];
  const problem: ReferenceProblem = {
    q: { shape: [tokensQ, headsQ, headDim], data: q },
    k: { shape: [tokensK, headsKv, headDim], data: k },
    v: { shape: [tokensK, headsKv, headDim], data: v },
    cuSeqlensQ: cuSeqlens(lengthsOf(workload, 'seqlenQ')),
    cuSeqlensK: cuSeqlens(lengthsOf(workload, 'seqlenK')),
    options: {
      causal,
      ...(window !== undefined && { window: [window, 0] as const }),
      ...(sinks && { sinks: { shape: [headsQ], data: sinks } }),
    },
  };
  return expected(referenceAttention(problem), naiveAttention(problem), dtype);
}
