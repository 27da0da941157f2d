import { float64, type FloatDType, ulp } from '../reference/number-types.ts';
import {
  scoreFunction,
  slopeDerivative,
  slopeIndex,
  visibleKeys,
} from '../reference/pair-scores.ts';
import type { ResultGradients } from '../reference/reference-gradients.ts';
import type { AttentionState, ReferenceProblem } from '../reference/reference-problem.ts';
import { headsOf, type Sequence, sequencesOf } from '../reference/sequences.ts';

/** Standard deviations of the gradients with one number per head: the largest over heads. */
export interface HeadSpread {
  readonly dSinks: number;
  readonly dAlibiSlopes: number;
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
  const { sinks, alibiSlopes } = problem.options;
  const ofSinks = new Float64Array(sinks?.data.length ?? 0);
  const ofSlopes = new Float64Array(alibiSlopes?.data.length ?? 0);
  if (sinks || alibiSlopes) {
    for (const row of rowsOf(problem, state, by, dtype)) {
      const { sequence, h, lse, delta, variance } = row;
      if (sinks) {
        const weight = Math.exp(sinks.data[h]! - lse);
        ofSinks[h]! += weight ** 2 * (variance + (delta * weightError) ** 2);
      }
      if (alibiSlopes) {
        ofSlopes[slopeIndex(alibiSlopes, sequence, h)]! += variance * meanSlope(problem, row) ** 2;
      }
    }
  }
  return {
    dSinks: Math.sqrt(Math.max(0, ...ofSinks)),
    dAlibiSlopes: Math.sqrt(Math.max(0, ...ofSlopes)),
  };
}

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

/** Returns Σ P·d(score)/d(slope) over the keys of a row: the factor of its delta in the gradient of the ALiBi slope. */
function meanSlope(problem: ReferenceProblem, { sequence, h, i, lse }: SpreadRow): number {
  const { q, k, options } = problem;
  const heads = headsOf(problem);
  const hkv = Math.floor(h / (heads.query / heads.kv));
  const score = scoreFunction(problem, sequence, h, float64);
  const { position, first, end } = visibleKeys(options, i, sequence.qLen, sequence.kvLen);
  let sum = 0;
  for (let j = first; j < end; j++) {
    const product = float64.dot(q.data, sequence.q(h, i), k.data, sequence.k(hkv, j), heads.qk);
    const weight = Math.exp(score(product, i, j, position) - lse);
    sum += weight * slopeDerivative({ problem, sequence, h, product, i, j, position });
  }
  return sum;
}
