import type { Workload } from '../workloads.ts';
import type { Limits } from './limits.ts';

const bytesPerElement = { f32: 4, f16: 2 } as const;

/** Bytes that a workload has to move at least: q, k and v read once as far as a window shows them, out written once. */
export function bytesOf({
  sequences,
  headsQ,
  headsKv,
  headDim,
  dtype,
  window = Infinity,
}: Workload): number {
  const rows = sequences.reduce(
    (sum, { seqlenQ, seqlenK }) =>
      sum + 2 * headsQ * seqlenQ + 2 * headsKv * Math.min(seqlenK, seqlenQ + window),
    0,
  );
  return rows * headDim * bytesPerElement[dtype];
}

/** Milliseconds that no program can beat on an adapter: those of the arithmetic or of the memory, whichever are more. */
export function roofMs({ gflops, gigabytes }: Limits, flops: number, bytes: number): number {
  return Math.max(flops / gflops, bytes / gigabytes) / 1e6;
}
