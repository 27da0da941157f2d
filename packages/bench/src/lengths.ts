import type { Workload } from './workloads.ts';

/** The query side or the key side of a workload. */
export type Side = 'seqlenQ' | 'seqlenK';

/** Lengths of one side, one per sequence. */
export function lengthsOf({ sequences }: Pick<Workload, 'sequences'>, side: Side): number[] {
  return sequences.map((sequence) => sequence[side]);
}

/** The longest sequence of one side. */
export function maxLength(workload: Pick<Workload, 'sequences'>, side: Side): number {
  return Math.max(...lengthsOf(workload, side));
}

/** Tokens of one side over all sequences. */
export function totalTokens(workload: Pick<Workload, 'sequences'>, side: Side): number {
  return lengthsOf(workload, side).reduce((sum, length) => sum + length, 0);
}

/** Cumulative lengths [N + 1], from 0. */
export function cuSeqlens(lengths: readonly number[]): Int32Array {
  const cumulative = new Int32Array(lengths.length + 1);
  for (const [i, length] of lengths.entries())
    cumulative[i + 1] = (cumulative[i] as number) + length;
  return cumulative;
}
