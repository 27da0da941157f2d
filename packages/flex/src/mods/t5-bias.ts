import type { Tensor } from '@heed/core';
import type { ScoreMod } from '../text/compile/mod-types.ts';

/**
 * Adds a learned bias per head and bucket of the distance, as T5 does: near distances have a bucket each, farther ones share
 * buckets whose width grows with the logarithm of the distance.
 *
 *     buckets 8, maxDistance 16, bidirectional, kv − q:  … −7 … −4 −3 −2 −1  0  1  2  3  4 … 7 …
 *     row of the table:                                  …  3    2  2  2  1  0  5  6  6  6   7 …
 *
 * A direction has n buckets: half of `buckets` if `bidirectional`, else all of them. The distances below e = floor(n / 2) have a
 * bucket each, and a distance d from e on has bucket e + floor(ln(d / e) / ln(maxDistance / e) · (n − e)), at most n − 1. If
 * `bidirectional`, keys after the query use the second half of the table; otherwise they count as distance 0. The floor of a
 * quotient that is less than 10⁻⁵ below a whole number is that number, because the logarithms of GPUs are not exact.
 *
 * - `bias`: [buckets, Hq] f32, f16 or bf16, the `relative_attention_bias.weight` of a checkpoint as it is
 * - `buckets`: a whole number, 4 or more; even if `bidirectional` (T5: 32)
 * - `maxDistance`: a distance above e; from there on all share the last bucket (T5: 128)
 * - `bidirectional`: true in an encoder, false in a decoder
 *
 * T5 does not scale its scores: pass `scale: 1`.
 *
 * Source: T5 (arXiv 1910.10683); the `_relative_position_bucket` of Hugging Face's T5.
 *
 * @example
 * const captures = { bias, buckets: 32, maxDistance: 128, bidirectional: true };
 * const { backward } = flexAttentionVjp(q, k, v, { scoreMod: t5Bias, captures, scale: 1 });
 * const { dCaptures } = backward(dOut); // { bias }
 */
export const t5Bias: ScoreMod<{
  bias: Tensor;
  buckets: number;
  maxDistance: number;
  bidirectional: boolean;
}> = (score, b, h, q, kv, { bias, buckets, maxDistance, bidirectional }) => {
  const n = bidirectional ? Math.floor(buckets / 2) : buckets;
  const exact = Math.floor(n / 2);
  const offset = kv - q;
  const distance = bidirectional ? Math.abs(offset) : Math.max(-offset, 0);
  const turns = Math.log(Math.max(distance, exact) / exact) / Math.log(maxDistance / exact);
  const shared = Math.min(exact + Math.floor(turns * (n - exact) + 1e-5), n - 1);
  const bucket = distance < exact ? distance : shared;
  return score + bias[bidirectional && offset > 0 ? n + bucket : bucket]![h]!;
};
