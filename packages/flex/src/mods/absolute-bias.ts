import type { Tensor } from '@heed/core';
import type { ScoreMod } from '../text/compile/mod-types.ts';

/**
 * Adds a separate bias to every pair: a float attention mask.
 *
 *     score[b][h][q][kv] + bias[b][h][q][kv]
 *
 * An axis of size 1 broadcasts: an index past the end of a table reads its last element, in the kernel and in the twin of
 * `compileMod`. The function itself, called on nested arrays, needs them in full size. Rows are logical positions: with
 * `align: 'end'` and cached keys, query row i reads row i + Lk − Lq.
 *
 * - `bias`: [B, Hq, L, Lk] f32, f16 or bf16, L is the number of logical positions of queries; every size may be 1. −∞ masks the pair
 *
 * Source: the `attn_mask` of PyTorch's `scaled_dot_product_attention`; the absolute biases of its FlexAttention tests.
 *
 * @example
 * const bias = gpu.tensor(perHead, { shape: [1, heads, length, length] });
 * flexAttention(q, k, v, { scoreMod: bind(absoluteBias, { bias }) });
 */
export const absoluteBias: ScoreMod<{ bias: Tensor }> = (score, b, h, q, kv, { bias }) =>
  score + bias[b]![h]![q]![kv]!;
