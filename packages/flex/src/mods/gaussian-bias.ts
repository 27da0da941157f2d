import type { Tensor } from '@heed/core';
import type { ScoreMod } from '../text/compile/mod-types.ts';

/**
 * Favours near keys by a Gaussian of the distance whose width each head learns: its weights are multiplied by
 * exp(−distance² / 2σ²).
 *
 *     distance:   0   σ     2σ   3σ
 *     bias:       0  −0.5  −2   −4.5
 *
 * The distance counts both ways.
 *
 * - `sigma`: [Hq] f32, f16 or bf16, standard deviations in positions, above 0
 *
 * Source: Sperber et al. 2018 (arXiv 1803.09519), the Gaussian mask of self-attentional acoustic models.
 *
 * @example
 * const { backward } = flexAttentionVjp(q, k, v, { scoreMod: gaussianBias, captures: { sigma } });
 * const { dCaptures } = backward(dOut); // { sigma }
 */
export const gaussianBias: ScoreMod<{ sigma: Tensor }> = (score, b, h, q, kv, { sigma }) =>
  score - ((q - kv) / sigma[h]!) ** 2 / 2;
