import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * Neighbourhood attention: positions are the cells of a grid, row by row, and each sees the `kernel` × `kernel` cells around
 * it. At an edge the square moves inward, so that every query sees the same number of keys.
 *
 *     height 3, width 4, kernel 3:  ███░███░███░  cells 0 and 1
 *                                   ░███░███░███  cells 2 and 3, and so on in the other rows
 *
 * - `height`, `width`: the grid; height · width positions
 * - `kernel`: a whole number, odd to have the query in the middle; an even kernel has one cell more before the query than after
 *   it
 *
 * Source: NATTEN (arXiv 2204.07143); `attn_gym/masks/natten.py`, for odd kernels on square grids.
 *
 * @example
 * flexAttention(q, k, v, { maskMod: bind(natten2d, { height: 32, width: 32, kernel: 7 }) });
 */
export const natten2d: MaskMod<{ height: number; width: number; kernel: number }> = (
  b,
  h,
  q,
  kv,
  { height, width, kernel },
) => {
  const before = Math.floor(kernel / 2);
  const top = Math.max(0, Math.min(Math.floor(q / width) - before, height - kernel));
  const left = Math.max(0, Math.min((q % width) - before, width - kernel));
  // Rows are compared by position, not by quotient, so the range of keys is known.
  const isInRows = kv >= top * width && kv < (top + kernel) * width;
  const column = kv % width;
  return isInRows && column >= left && column < left + kernel;
};
