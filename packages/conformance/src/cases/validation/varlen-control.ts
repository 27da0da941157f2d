import { varlenAttention, type AttentionResult, type VarlenOptions } from '@heed/kernels-wgsl';
import type { Bench } from './rule.ts';

/** Shapes that differ from the control call's. */
export interface VarlenChange {
  readonly q?: readonly number[];
  readonly k?: readonly number[];
}

/** Shapes of the control calls: [T, H, D], and [pages, pageSize, Hkv, D]. */
export const q = [10, 4, 64] as const;
export const kv = [12, 2, 64] as const;
export const pool = [6, 4, 2, 64] as const;

const cuSeqlensQ = Int32Array.of(0, 4, 10);
const packedLengths = { cuSeqlensQ, cuSeqlensK: Int32Array.of(0, 5, 12) };
const pagedLengths = {
  cuSeqlensQ,
  seqUsedK: Int32Array.of(8, 3),
  blockTable: Int32Array.of(0, 5, 2, -1),
};

/** A packed call of two sequences, with options added to the control's, or taken away by `undefined`. */
export function packed(bench: Bench, options: object, change: VarlenChange = {}): AttentionResult {
  return run(bench, { ...packedLengths, ...options }, change.q ?? q, change.k ?? kv);
}

/** A paged call of two sequences: pages of 4 rows, at most 2 for each, out of 6. */
export function paged(bench: Bench, options: object, change: VarlenChange = {}): AttentionResult {
  return run(bench, { ...pagedLengths, ...options }, change.q ?? q, change.k ?? pool);
}

function run(
  bench: Bench,
  options: object,
  qShape: readonly number[],
  kvShape: readonly number[],
): AttentionResult {
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
  const [k, v] = [bench.tensor(kvShape), bench.tensor(kvShape)];
  // The values under test are often not of the declared type.
  const result = varlenAttention(bench.tensor(qShape), k, v, given as unknown as VarlenOptions);
  bench.scope.own(result.out);
  return result;
}
