import type { FloatDType } from '../reference/number-types.ts';

/** The `seqused_k` lists of PyTorch's test_seqused_k_kv_cache, for slots of 128 rows. */
export const usedLengths: readonly (readonly number[])[] = [
  [32, 64, 96, 48],
  [1, 1, 1, 1],
  [128, 128, 128, 128],
  [1, 128, 1, 128],
  [127, 63, 33, 17],
];

/** What unused memory may hold: each spreads in its own way when a kernel lets it in. */
export const poisons = {
  nan: (): number => NaN,
  inf: (): number => Infinity,
  huge: (dtype: FloatDType): number => (dtype === 'f16' ? 65504 : 3e38),
} as const;
