import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * The first `globals` positions see all keys and are seen by all queries; the others see the keys up to `window` away on either
 * side, the ends included. Two-sided: combine it with {@link causal} for a decoder (attention sinks and a window).
 *
 *     globals 1, window 1:  █████
 *                           ███░░
 *                           ████░
 *                           █░███
 *                           █░░██
 *
 * - `globals`: a whole number of positions, 0 or more
 * - `window`: a whole number, 0 or more
 *
 * Source: Longformer (arXiv 2004.05150), BigBird (arXiv 2007.14062); `attn_gym/masks/global_sliding_window.py`.
 *
 * @example
 * flexAttention(q, k, v, { maskMod: bind(globalPlusWindow, { globals: 4, window: 256 }) });
 */
export const globalPlusWindow: MaskMod<{ globals: number; window: number }> = (
  b,
  h,
  q,
  kv,
  { globals, window },
) => q < globals || kv < globals || Math.abs(q - kv) <= window;
