import type { Tensor } from '@heed/core';
import type { ScoreMod } from '../text/compile/mod-types.ts';

/**
 * Scales the scores of each head by a learned gate between 0 and 1. A closed head attends to all keys equally.
 *
 *     gate:    −∞   0    ∞
 *     factor:   0   0.5  1     score · sigmoid(gate[h])
 *
 * - `gate`: [Hq] f32, f16 or bf16, before the sigmoid
 *
 * Source: the head-specific gate of PyTorch's FlexAttention tests.
 *
 * @example
 * const { backward } = flexAttentionVjp(q, k, v, { scoreMod: headGate, captures: { gate } });
 * const { dCaptures } = backward(dOut); // { gate }
 */
export const headGate: ScoreMod<{ gate: Tensor }> = (score, b, h, q, kv, { gate }) =>
  // Below −80, exp would near the end of f32, and an infinity would make the derivative NaN.
  score / (1 + Math.exp(-Math.max(gate[h]!, -80)));
