import { roundHalfEven } from './number-types.ts';
import type { ReferenceProblem } from './reference-problem.ts';
import { headsOf, type Sequence, sequencesOf } from './sequences.ts';

/** The largest integer of a rounded row. */
const most = 127;

// An f32 program computes the quotient by two divisions, each off by up to 2.5 ulp (https://www.w3.org/TR/WGSL/#floating-point-accuracy),
// and four products: at most 7 ulp of 2⁻²³ each.
const quotientError = 7 * 2 ** -23;

/** A problem for kernels that multiply integers. */
interface RoundedQueries {
  readonly problem: ReferenceProblem;
  /**
   * How far a score q·k may be off the problem's: elements that lie between two integers, by as much as f32 can tell, may have been
   * rounded to the other one, which is a step of the row away.
   */
  readonly scoreError: number;
}

/** Rounds each row of q to integers, times a step of 1/127 of the row's largest element. */
export function roundedQueries(problem: ReferenceProblem): RoundedQueries {
  const { q, options } = problem;
  const heads = headsOf(problem);
  const data = Float64Array.from(q.data);
  const scale = typeof options.scale === 'number' ? options.scale : 1 / Math.sqrt(heads.qk);
  let scoreError = 0;
  for (const sequence of sequencesOf(problem)) {
    for (let h = 0; h < heads.query; h++) {
      for (let i = 0; i < sequence.qLen; i++) {
        const at = sequence.q(h, i);
        const row = data.subarray(at, at + heads.qk);
        const step = row.reduce((max, x) => Math.max(max, Math.abs(x)), 0) / most;
        if (step === 0) continue;
        const hkv = Math.floor(h / (heads.query / heads.kv));
        let error = 0;
        for (const [d, x] of row.entries()) {
          if (isTie(x / step)) error += step * largestOfKeys(problem, sequence, hkv, d);
          row[d] = step * roundHalfEven(x / step);
        }
        scoreError = Math.max(scoreError, Math.abs(scale) * error);
      }
    }
  }
  return { problem: { ...problem, q: { shape: q.shape, data } }, scoreError };
}

/** Whether f32 cannot tell to which of two integers a quotient is nearer. */
function isTie(x: number): boolean {
  const fromTie = Math.abs(Math.abs(x - Math.floor(x)) - 0.5);
  return fromTie <= Math.abs(x) * quotientError;
}

/** Returns the largest |element d| of the keys of a sequence. */
function largestOfKeys(
  { k }: ReferenceProblem,
  sequence: Sequence,
  hkv: number,
  d: number,
): number {
  let max = 0;
  for (let j = 0; j < sequence.kvLen; j++)
    max = Math.max(max, Math.abs(k.data[sequence.k(hkv, j) + d]!));
  return max;
}
