import type { Tensor } from '@heed/core';
import type { ScoreMod } from '../text/compile/mod-types.ts';

/**
 * Attention with linear biases: the score of each head decreases by its slope per position of distance.
 *
 *     bias of query 2:  −2s  −s  0  −s  −2s
 *
 * The distance counts both ways, as with the `alibiSlopes` option. Under a causal mask this is the bias of the paper, and of
 * PyTorch's `(kv − q) · slope`. For a power-of-two number of heads the slopes of the paper are 2^(−8 (h + 1) / Hq).
 *
 * - `slopes`: [Hq] f32, f16 or bf16
 *
 * Source: Press et al. 2022, "Train Short, Test Long" (arXiv 2108.12409); `attn_gym/mods/alibi.py`.
 *
 * @example
 * const slopes = gpu.tensor(Array.from({ length: heads }, (_, h) => 2 ** ((-8 * (h + 1)) / heads)), { shape: [heads] });
 * flexAttention(q, k, v, { scoreMod: alibi, maskMod: causal, captures: { slopes } });
 */
export const alibi: ScoreMod<{ slopes: Tensor }> = (score, b, h, q, kv, { slopes }) =>
  score - slopes[h]! * Math.abs(q - kv);
