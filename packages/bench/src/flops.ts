import type { Workload } from './workloads.ts';

/**
 * (query, key) pairs of one head of one sequence that the masks leave, with the diagonal tied to the end. A causal query sees
 * itself and at most `window` keys before it.
 */
export function visiblePairs(
  seqlenQ: number,
  seqlenK: number,
  causal: boolean,
  window: number = Infinity,
): number {
  if (!causal) return seqlenQ * seqlenK;
  let pairs = 0;
  for (let i = 0; i < seqlenQ; i++)
    pairs += Math.max(0, Math.min(seqlenK, i + seqlenK - seqlenQ + 1, window + 1));
  return pairs;
}

/**
 * Floating-point operations that a workload needs: two matrix products of 2·headDim operations for each visible
 * pair and query head. Masked pairs and padding count nothing, so a program that computes them shows fewer FLOP/s.
 */
export function flopsOf({ sequences, causal, window, headsQ, headDim }: Workload): number {
  const pairs = sequences.reduce(
    (sum, { seqlenQ, seqlenK }) => sum + visiblePairs(seqlenQ, seqlenK, causal, window),
    0,
  );
  return 4 * headDim * headsQ * pairs;
}
