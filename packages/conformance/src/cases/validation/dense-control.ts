import type { DType, Tensor } from '@heed/core';
import { attention, type AttentionOptions, type AttentionResult } from '@heed/kernels-wgsl';
import type { Bench } from './rule.ts';

/** Shapes of the control call: [B, H, L, D]. */
export const q = [2, 4, 3, 64] as const;
export const kv = [2, 2, 5, 64] as const;

/** What differs from the control call: a shape, or a tensor of its own. */
export interface DenseChange {
  readonly q?: readonly number[] | Tensor;
  readonly k?: readonly number[] | Tensor;
  readonly v?: readonly number[] | Tensor;
  readonly dtype?: DType;
}

/** The control call of `attention`, which is sound, with one thing changed. */
export function dense(bench: Bench, change: DenseChange, options?: unknown): AttentionResult {
  const { dtype = 'f32' } = change;
  const tensor = (given: readonly number[] | Tensor = [], control: readonly number[]): Tensor => {
    if (!Array.isArray(given)) return given as Tensor;
    return bench.tensor(given.length === 0 ? control : (given as readonly number[]), dtype);
  };
  // The values under test are often not of the declared type.
  const result = attention(
    tensor(change.q, q),
    tensor(change.k, kv),
    tensor(change.v, kv),
    options as AttentionOptions,
  );
  bench.scope.own(result.out);
  return result;
}
