import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * A query sees the keys up to its own position.
 *
 *     █░░░
 *     ██░░
 *     ███░
 *     ████
 *
 * Rows are queries, columns keys, here and in all pictures. `q` is the logical position, so this serves cached decode
 * as it is.
 *
 * Source: `attn_gym/masks/causal.py`.
 *
 * @example
 * flexAttention(q, k, v, { maskMod: causal });
 */
export const causal: MaskMod = (b, h, q, kv) => q >= kv;
