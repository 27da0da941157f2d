import type { Expected } from '@heed/conformance';
import type { Workload } from './workloads.ts';

/** Whether a peer's result is right, and by how much. */
export interface Verdict {
  readonly right: boolean;
  /** max|got − float64|; Infinity when a value is NaN or the count is off. */
  readonly maxError: number;
  readonly limit: number;
}

// Wide enough for other programs' choices (f16 accumulators, their own exp), far under any fault seen so far.
const peerLimit = { f32: 1e-4, f16: 1e-2 } as const;

/** The largest distance from the float64 result. */
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

/** heed answers to the conformance error budget; other programs to a fixed limit by storage type. */
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
