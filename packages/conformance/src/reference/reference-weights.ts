import { extent, filled, type NdArray } from './nd-array.ts';
import { type Arithmetic, float32, float64 } from './number-types.ts';
import { keysOfRow, scoreFunction } from './pair-scores.ts';
import { attend } from './reference-attention.ts';
import type { ReferenceProblem } from './reference-problem.ts';
import { headsOf, type Sequence, sequencesOf } from './sequences.ts';

/**
 * Computes the weights of attention, exp(score − lse), in float64: [B, Hq, Lq, Lk], or for packed queries [Hq, Tq, C], C being the
 * longest capacity of a sequence. 0 for hidden pairs, and in rows of no sequence.
 */
export function referenceWeights(problem: ReferenceProblem): NdArray {
  return rowsOf(problem, float64);
}

/** Computes the same weights with every operation rounded to float32. */
export function naiveWeights(problem: ReferenceProblem): NdArray {
  return rowsOf(problem, float32);
}

/** Computes the sum of each key's weights over the queries, in ascending order: [B, Hq, Lk], or [N, Hq, C] for packed queries. */
export function referenceKeyMass(problem: ReferenceProblem): NdArray {
  return massOf(problem, float64);
}

/** Computes the same sums with every operation rounded to float32. */
export function naiveKeyMass(problem: ReferenceProblem): NdArray {
  return massOf(problem, float32);
}

/** Returns the most keys that a sequence could have, by the lists of the problem. */
function capacity({ q, k, blockTable, cuSeqlensQ, cuSeqlensK }: ReferenceProblem): number {
  if (q.shape.length === 4) return extent(k, 2);
  const sequences = (cuSeqlensQ?.length ?? 1) - 1;
  if (blockTable) return (blockTable.length / sequences) * extent(k, 1);
  const ends = cuSeqlensK ?? cuSeqlensQ ?? new Int32Array(1);
  return Math.max(0, ...Array.from(ends.subarray(1), (end, b) => end - ends[b]!));
}

function rowsOf(problem: ReferenceProblem, arithmetic: Arithmetic): NdArray {
  const columns = capacity(problem);
  const { lse } = attend(problem, arithmetic);
  const weights = filled([...lse.shape, columns], 0);
  eachWeight(problem, lse, arithmetic, ({ sequence, h, i, j, weight }) => {
    const at = sequence.lse(h, i) * columns + j;
    weights.data[at] = arithmetic.round(weights.data[at]! + weight);
  });
  return weights;
}

function massOf(problem: ReferenceProblem, arithmetic: Arithmetic): NdArray {
  const columns = capacity(problem);
  const { lse } = attend(problem, arithmetic);
  const heads = headsOf(problem).query;
  const mass = filled([sequencesOf(problem).length, heads, columns], 0);
  eachWeight(problem, lse, arithmetic, ({ sequence, h, j, weight }) => {
    const at = (sequence.index * heads + h) * columns + j;
    mass.data[at] = arithmetic.round(mass.data[at]! + weight);
  });
  return mass;
}

interface PairWeight {
  readonly sequence: Sequence;
  readonly h: number;
  readonly i: number;
  readonly j: number;
  readonly weight: number;
}

/** Visits the weights of all visible pairs, the queries of a sequence in ascending order. */
function eachWeight(
  problem: ReferenceProblem,
  lse: NdArray,
  arithmetic: Arithmetic,
  visit: (pair: PairWeight) => void,
): void {
  const { q, k } = problem;
  const { round, dot } = arithmetic;
  const heads = headsOf(problem);
  for (const sequence of sequencesOf(problem)) {
    for (let h = 0; h < heads.query; h++) {
      const hkv = Math.floor(h / (heads.query / heads.kv));
      const score = scoreFunction(problem, sequence, h, arithmetic);
      for (let i = 0; i < sequence.qLen; i++) {
        const { position, keys } = keysOfRow(problem, sequence, h, i);
        const rowLse = lse.data[sequence.lse(h, i)]!;
        if (rowLse === -Infinity) continue;
        for (const j of keys) {
          const product = dot(q.data, sequence.q(h, i), k.data, sequence.k(hkv, j), heads.qk);
          const final = score(product, i, j, position);
          visit({ sequence, h, i, j, weight: round(Math.exp(round(final - rowLse))) });
        }
      }
    }
  }
}
