import { maxLength } from '../lengths.ts';
import type { Workload } from '../workloads.ts';

const hidden = -1e9;

/**
 * 0 where a query of the padded batch sees a key, −1e9 where it does not: [N, maxQ, maxK]. Undefined when
 * nothing is hidden. Padding rows of the query side see key 0, so that no row of a softmax is empty.
 */
export function additiveMask(workload: Workload): Float32Array | undefined {
  const { sequences, causal, window = Infinity } = workload;
  const [maxQ, maxK] = [maxLength(workload, 'seqlenQ'), maxLength(workload, 'seqlenK')];
  const mask = new Float32Array(sequences.length * maxQ * maxK);
  let any = false;
  for (const [n, { seqlenQ, seqlenK }] of sequences.entries()) {
    for (let i = 0; i < maxQ; i++) {
      const visible = causal ? Math.min(seqlenK, Math.max(0, i + seqlenK - seqlenQ) + 1) : seqlenK;
      const row = (n * maxQ + i) * maxK;
      const hiddenBefore = Math.max(0, visible - 1 - window);
      if (visible < maxK || hiddenBefore > 0) any = true;
      mask.fill(hidden, row, row + hiddenBefore);
      mask.fill(hidden, row + visible, row + maxK);
    }
  }
  return any ? mask : undefined;
}
