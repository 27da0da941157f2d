import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * A query sees itself and the `window` keys before it: `window + 1` keys in all. Causal, and inclusive like the
 * `window: [left, 0]` option.
 *
 *     window 2:  █░░░░
 *                ██░░░
 *                ███░░
 *                ░███░
 *                ░░███
 *
 * - `window`: a whole number, 0 or more. For a model that counts the query among its w keys (Mistral), pass w − 1
 *
 * Source: Longformer (arXiv 2004.05150), Mistral 7B (arXiv 2310.06825); `attn_gym/masks/sliding_window.py`.
 *
 * @example
 * flexAttention(q, k, v, { maskMod: bind(slidingWindow, { window: 1024 }) });
 */
export const slidingWindow: MaskMod<{ window: number }> = (b, h, q, kv, { window }) =>
  q >= kv && q - kv <= window;
