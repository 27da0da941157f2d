import type { Problem } from '../inputs.ts';
import { padRows, sliceRows, swapMiddle } from '../layouts.ts';
import { lengthsOf, maxLength, type Side } from '../lengths.ts';

/** The value of one graph input. */
export interface Feed {
  readonly data: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** Rows from `start` of a tensor, padded: [N, maxLength − start, heads * headDim]. */
export function rowsOf({ workload, ...data }: Problem, tensor: 'q' | 'k' | 'v', start = 0): Feed {
  const side: Side = tensor === 'q' ? 'seqlenQ' : 'seqlenK';
  const width = (tensor === 'q' ? workload.headsQ : workload.headsKv) * workload.headDim;
  const [batch, seqlen] = [workload.sequences.length, maxLength(workload, side)];
  const padded = padRows(data[tensor], lengthsOf(workload, side), seqlen, width);
  return {
    data: sliceRows(padded, [batch, seqlen, width], start, seqlen),
    shape: [batch, seqlen - start, width],
  };
}

/** The first `past` rows, head-major: [N, headsKv, past, headDim]. */
export function cacheOf({ workload, ...data }: Problem, tensor: 'k' | 'v', past: number): Feed {
  const { sequences, headsKv, headDim } = workload;
  const batch = sequences.length;
  const seqlen = maxLength(workload, 'seqlenK');
  const kept = sliceRows(data[tensor], [batch, seqlen, headsKv * headDim], 0, past);
  return {
    data: swapMiddle(kept, [batch, past, headsKv, headDim]),
    shape: [batch, headsKv, past, headDim],
  };
}
