import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * Attention within windows: positions are the cells of a grid, row by row, which is divided into windows of `window` × `window`
 * cells, and each cell sees those of its own window.
 *
 *     width 4, window 2, shift 1:  █░░░░░░░░░░░  cell 0
 *                                  ░██░░░░░░░░░  cells 1 and 2
 *                                  ░░░█░░░░░░░░  cell 3
 *                                  ░░░░█░░░█░░░  cell 4, in the second row
 *                                  ░░░░░██░░██░  cells 5 and 6
 *
 * `shift` moves the borders of the windows right and down, as every second layer of Swin does: the windows that the grid's edges
 * cut are smaller. Swin reaches the same by rolling the grid and a mask of regions; here the grid keeps its order.
 *
 * - `width`: cells per row of the grid; the number of rows does not matter
 * - `window`: a whole number, 1 or more; it need not divide the grid
 * - `shift`: a whole number from 0 to window − 1, default 0 (Swin: floor(window / 2) in every second layer)
 *
 * Source: Swin Transformer (arXiv 2103.14030), its W-MSA and SW-MSA.
 *
 * @example
 * const swin = bind(windowPartition, { width: 56, window: 7, shift: 3 });
 * flexAttention(q, k, v, { maskMod: swin });
 */
export const windowPartition: MaskMod<{ width: number; window: number; shift?: number }> = (
  b,
  h,
  q,
  kv,
  { width, window, shift = 0 },
) => {
  const top = Math.floor((Math.floor(q / width) - shift) / window) * window + shift;
  const left = Math.floor(((q % width) - shift) / window) * window + shift;
  // Rows are compared by position, not by quotient, so the range of keys is known.
  const isInRows = kv >= top * width && kv < (top + window) * width;
  const column = kv % width;
  return isInRows && column >= left && column < left + window;
};
