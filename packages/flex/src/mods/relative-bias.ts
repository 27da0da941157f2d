import type { Tensor } from '@heed/core';
import type { ScoreMod } from '../text/compile/mod-types.ts';

/**
 * Adds a learned bias per head and distance `q − kv`; distances beyond `maxDistance` count as `maxDistance`.
 *
 *     maxDistance 2, distance:  … −3 −2 −1  0  1  2  3 …
 *     column of the table:      …  0  0  1  2  3  4  4 …
 *
 * The table can hold any function of the distance. T5's buckets, which share biases among distances, are {@link t5Bias}.
 *
 * - `bias`: [Hq, 2 · maxDistance + 1] f32, f16 or bf16
 * - `maxDistance`: a whole number, 0 or more
 *
 * Source: the clipped distances of Shaw et al. 2018 (arXiv 1803.02155), with one scalar per head as in T5 (arXiv 1910.10683);
 * the clamped window of PyTorch's learnable bias tests.
 *
 * @example
 * const captures = { bias, maxDistance: 128 };
 * const { backward } = flexAttentionVjp(q, k, v, { scoreMod: relativeBias, captures });
 * const { dCaptures } = backward(dOut); // { bias }
 */
export const relativeBias: ScoreMod<{ bias: Tensor; maxDistance: number }> = (
  score,
  b,
  h,
  q,
  kv,
  { bias, maxDistance },
) => score + bias[h]![Math.max(-maxDistance, Math.min(q - kv, maxDistance)) + maxDistance]!;
