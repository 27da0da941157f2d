import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * Neighbourhood attention in three dimensions, for video: positions are the cells of a grid, plane by plane and row by row, and
 * each sees the box of `kernelDepth` × `kernelHeight` × `kernelWidth` cells around it. At an edge the box moves inward, so that
 * every query sees the same number of keys.
 *
 *     depth 3, height 2, width 3, kernelDepth 2, kernelHeight 1, kernelWidth 2:
 *         ██░░░░██░░░░░░░░░░  cell 0
 *         ██░░░░██░░░░░░░░░░  cell 1
 *         ░██░░░░██░░░░░░░░░  cell 2
 *         ░░░██░░░░██░░░░░░░  cell 3, in the second row
 *         ░░░░░░██░░░░██░░░░  cell 12, in the last plane
 *
 * - `depth`, `height`, `width`: the grid; depth · height · width positions
 * - `kernelDepth`, `kernelHeight`, `kernelWidth`: whole numbers, at most the grid's, odd to have the query in the middle; an even
 *   one has one cell more before the query than after it
 *
 * Source: NATTEN (arXiv 2204.07143), its neighbourhoods in three dimensions.
 *
 * @example
 * const kernel = { kernelDepth: 3, kernelHeight: 5, kernelWidth: 5 };
 * flexAttention(q, k, v, { maskMod: bind(natten3d, { depth: 8, height: 16, width: 16, ...kernel }) });
 */
export const natten3d: MaskMod<{
  depth: number;
  height: number;
  width: number;
  kernelDepth: number;
  kernelHeight: number;
  kernelWidth: number;
}> = (b, h, q, kv, { depth, height, width, kernelDepth, kernelHeight, kernelWidth }) => {
  const start = (at: number, kernel: number, size: number): number =>
    Math.max(0, Math.min(at - Math.floor(kernel / 2), size - kernel));
  const plane = height * width;
  const front = start(Math.floor(q / plane), kernelDepth, depth) * plane;
  const top = start(Math.floor((q % plane) / width), kernelHeight, height) * width;
  const left = start(q % width, kernelWidth, width);
  const rows = kernelHeight * width;
  // The first and the last row of the box are compared by position, so the range of keys is known.
  const isInBox = kv >= front + top && kv < front + (kernelDepth - 1) * plane + top + rows;
  const inPlane = kv % plane;
  const isInRows = inPlane >= top && inPlane < top + rows;
  const column = kv % width;
  return isInBox && isInRows && column >= left && column < left + kernelWidth;
};
