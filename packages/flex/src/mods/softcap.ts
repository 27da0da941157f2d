import type { ScoreMod } from '../text/compile/mod-types.ts';

/**
 * Keeps scores within ±cap, smoothly.
 *
 *     score:   −∞   −cap      0  cap       ∞
 *     result:  −cap −0.76·cap 0  0.76·cap  cap
 *
 * - `cap`: a number above 0, in units of the score. Whole and fractional values need two plans; `f32(30)` makes it one
 *
 * Source: Gemma 2 (arXiv 2408.00118); `attn_gym/mods/softcapping.py`. The `softcap` option computes the same.
 *
 * @example
 * flexAttention(q, k, v, { scoreMod: bind(softcap, { cap: 30 }) });
 */
export const softcap: ScoreMod<{ cap: number }> = (score, b, h, q, kv, { cap }) =>
  cap * Math.tanh(score / cap);
