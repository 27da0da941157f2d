import type { DType } from '@heed/core';
import { varlenAttention, type AttentionResult, type VarlenOptions } from '@heed/kernels-wgsl';
import type { Bench } from './rule.ts';

/** Shapes that differ from the control call's. */
export interface VarlenChange {
  readonly q?: readonly number[];
  readonly k?: readonly number[];
  /** Default that of k. */
  readonly v?: readonly number[];
  /** Of k and v; default f32. */
  readonly types?: readonly [k: DType, v: DType];
}

/** Shapes of the control calls: [T, H, D], and [pages, pageSize, Hkv, D]. */
export const q = [10, 4, 64] as const;
export const kv = [12, 2, 64] as const;
export const pool = [6, 4, 2, 64] as const;
/** The same in int8: a scale and 16 words. */
export const words = [6, 4, 2, 17] as const;

const cuSeqlensQ = Int32Array.of(0, 4, 10);
const packedLengths = { cuSeqlensQ, cuSeqlensK: Int32Array.of(0, 5, 12) };
const pagedLengths = {
  cuSeqlensQ,
  seqUsedK: Int32Array.of(8, 3),
  blockTable: Int32Array.of(0, 5, 2, -1),
};

/** A packed call of two sequences, with options added to the control's, or taken away by `undefined`. */
export function packed(bench: Bench, options: object, change: VarlenChange = {}): AttentionResult {
  return run(bench, { ...packedLengths, ...options }, { q, k: kv, ...change });
}

/** A paged call of two sequences: pages of 4 rows, at most 2 for each, out of 6. */
export function paged(bench: Bench, options: object, change: VarlenChange = {}): AttentionResult {
  return run(bench, { ...pagedLengths, ...options }, { q, k: pool, ...change });
}

/** The paged call with keys and values in int8. */
export function inInt8(
  bench: Bench,
  options: object = {},
  change: VarlenChange = {},
  attend: typeof varlenAttention = varlenAttention,
): AttentionResult {
  const all = { ...pagedLengths, format: 'int8', headDim: 64, headDimV: 64, ...options };
  return run(bench, all, { q, k: words, types: ['u32', 'u32'], ...change }, attend);
}

function run(
  bench: Bench,
  options: object,
  shapes: VarlenChange & Required<Pick<VarlenChange, 'q' | 'k'>>,
  attend: typeof varlenAttention = varlenAttention,
): AttentionResult {
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
  const { types: [kType, vType] = ['f32', 'f32'] } = shapes;
  const [k, v] = [bench.tensor(shapes.k, kType), bench.tensor(shapes.v ?? shapes.k, vType)];
  // The values under test are often not of the declared type.
  const result = attend(bench.tensor(shapes.q), k, v, given as unknown as VarlenOptions);
  bench.scope.own(result.out);
  return result;
}
