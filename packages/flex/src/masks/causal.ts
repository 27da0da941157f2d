import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * A query sees the keys up to its own position.
 *
 *     █░░░
 *     ██░░
 *     ███░
 *     ████
 *
 * Rows are queries, columns are keys, here and in all pictures. `q` is the logical position, so the same mask works for cached
 * decode.
 *
 * Source: `attn_gym/masks/causal.py`.
 *
 * @example
 * flexAttention(q, k, v, { maskMod: causal });
 */
export const causal: MaskMod = (b, h, q, kv) => q >= kv;
