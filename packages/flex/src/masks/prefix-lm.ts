import type { Tensor } from '@heed/core';
import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * Every query sees the first `prefix[b]` keys, and after them the keys up to its own position.
 *
 *     prefix [2]:  ██░░
 *                  ██░░
 *                  ███░
 *                  ████
 *
 * - `prefix`: [B] i32, per batch entry or sequence; [1] for the same prefix in all
 *
 * Source: T5 (arXiv 1910.10683); `attn_gym/masks/prefix_lm.py`.
 *
 * @example
 * const prefix = gpu.tensor([17, 5], { shape: [2], dtype: 'i32' });
 * flexAttention(q, k, v, { maskMod: bind(prefixLm, { prefix }) });
 */
export const prefixLm: MaskMod<{ prefix: Tensor }> = (b, h, q, kv, { prefix }) =>
  kv < prefix[b]! || q >= kv;
