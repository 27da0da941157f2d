import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * A query sees the keys of its own block of `blockSize` positions: floor(q / blockSize) = floor(kv / blockSize).
 *
 *     blockSize 2:  ██░░░
 *                   ██░░░
 *                   ░░██░
 *                   ░░██░
 *                   ░░░░█
 *
 * - `blockSize`: a whole number, 1 or more
 *
 * Source: the block_diagonal mask of FlashAttention's mask tests.
 *
 * @example
 * flexAttention(q, k, v, { maskMod: bind(blockDiagonal, { blockSize: 64 }) });
 */
export const blockDiagonal: MaskMod<{ blockSize: number }> = (b, h, q, kv, { blockSize }) => {
  // Linear in kv, unlike a comparison of two quotients, so the range of keys is known.
  const first = Math.floor(q / blockSize) * blockSize;
  return kv >= first && kv < first + blockSize;
};
