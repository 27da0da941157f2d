import type { Tensor } from '@heed/core';
import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * Several continuations of one prefix, packed after it in one row: each continuation is causal, and sees the prefix and itself.
 *
 *     prefix 2, id [0, 0, 1, 1, 2, 2]:  █░░░░░
 *                                       ██░░░░
 *                                       ███░░░
 *                                       ████░░
 *                                       ██░░█░
 *                                       ██░░██
 *
 * - `prefix`: how many positions the prefix has
 * - `id`: [L] i32, the continuation of each position; entries of the prefix are not used
 *
 * Source: `attn_gym/masks/shared_prefix.py`, for one prefix.
 *
 * @example
 * const id = gpu.tensor([0, 0, 1, 1, 2, 2], { shape: [6], dtype: 'i32' });
 * flexAttention(q, k, v, { maskMod: bind(sharedPrefix, { prefix: 2, id }) });
 */
export const sharedPrefix: MaskMod<{ prefix: number; id: Tensor }> = (
  b,
  h,
  q,
  kv,
  { prefix, id },
) => q >= kv && (kv < prefix || id[q] === id[kv]);
