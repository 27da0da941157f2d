import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * A query sees every `dilation`-th key, counted from itself, up to `window` away on either side, the ends included.
 * Two-sided: combine it with {@link causal} to look back only.
 *
 *     window 4, dilation 2:  █░█░█░░
 *                            ░█░█░█░
 *                            █░█░█░█
 *                            ░█░█░█░
 *                            █░█░█░█
 *                            ░█░█░█░
 *                            ░░█░█░█
 *
 * - `window`: a distance in positions (not in visible keys), 0 or more
 * - `dilation`: a whole number, 1 or more
 *
 * Source: Longformer (arXiv 2004.05150); `attn_gym/masks/dilated_sliding_window.py`.
 *
 * @example
 * flexAttention(q, k, v, { maskMod: bind(dilatedWindow, { window: 64, dilation: 4 }) });
 */
export const dilatedWindow: MaskMod<{ window: number; dilation: number }> = (
  b,
  h,
  q,
  kv,
  { window, dilation },
) => {
  const distance = Math.abs(q - kv);
  return distance <= window && distance % dilation === 0;
};
