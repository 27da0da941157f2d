import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * Sliding tile attention, for images and video: positions go tile by tile, each tile has `tileSize` of them, and a query sees the
 * tiles of the box of tiles around its own. At an edge the box moves inward. Positions behind the grid are text: they see and are
 * seen by all.
 *
 *     tileSize 2, height 1, width 3, kernelHeight 1, kernelWidth 2:  ████░░██
 *                                                                    ████░░██
 *                                                                    ████░░██
 *                                                                    ████░░██
 *                                                                    ░░██████
 *                                                                    ░░██████
 *                                                                    ████████  text
 *                                                                    ████████
 *
 * Only whole tiles are seen or not, so blocks are full or empty where `tileSize` is a multiple of a block. The tiles go plane by
 * plane and row by row, as do the cells of a tile; the cells within a tile may have any order that queries and keys share.
 *
 * - `tileSize`: cells per tile, such as 6 · 8 · 8
 * - `height`, `width`, `depth`: the grid in tiles; `depth` is 1 by default, for images
 * - `kernelHeight`, `kernelWidth`, `kernelDepth`: the box in tiles, at most the grid; `kernelDepth` is 1 by default. An even number
 *   has one tile more before the query's than after it
 *
 * Source: Sliding Tile Attention (arXiv 2502.04507); `attn_gym/masks/sta.py`, whose sizes are in cells.
 *
 * @example
 * const image = { height: 8, width: 8, kernelHeight: 3, kernelWidth: 3 };
 * flexAttention(q, k, v, { maskMod: bind(slidingTile, { tileSize: 64, ...image }) });
 */
export const slidingTile: MaskMod<{
  tileSize: number;
  height: number;
  width: number;
  kernelHeight: number;
  kernelWidth: number;
  depth?: number;
  kernelDepth?: number;
}> = (b, h, q, kv, c) => {
  const { tileSize, height, width, depth = 1, kernelHeight, kernelWidth, kernelDepth = 1 } = c;
  const start = (at: number, kernel: number, size: number): number =>
    Math.max(0, Math.min(at - Math.floor(kernel / 2), size - kernel));
  const plane = height * width;
  const own = Math.floor(q / tileSize);
  const front = start(Math.floor(own / plane), kernelDepth, depth) * plane;
  const top = start(Math.floor((own % plane) / width), kernelHeight, height) * width;
  const left = start(own % width, kernelWidth, width);
  const rows = kernelHeight * width;
  const end = front + (kernelDepth - 1) * plane + top + rows;
  // The first and the last row of the box are compared by position, so the range of keys is known.
  const isInBox = kv >= (front + top) * tileSize && kv < end * tileSize;
  const tile = Math.floor(kv / tileSize);
  const isInRows = tile % plane >= top && tile % plane < top + rows;
  const isInColumns = tile % width >= left && tile % width < left + kernelWidth;
  const cells = depth * plane * tileSize;
  return q >= cells || kv >= cells || (isInBox && isInRows && isInColumns);
};
