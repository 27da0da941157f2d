import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * Training of block diffusion: the row is a noised copy of `length` tokens and, after it, the clean copy. A noised query sees its
 * own noised block and the clean blocks before that block; a clean query sees the clean blocks up to its own.
 *
 *     length 4, blockSize 2:  ██░░░░░░  noised
 *                             ██░░░░░░
 *                             ░░████░░
 *                             ░░████░░
 *                             ░░░░██░░  clean
 *                             ░░░░██░░
 *                             ░░░░████
 *                             ░░░░████
 *
 * - `length`: how many tokens each copy has; 2 · length positions
 * - `blockSize`: a whole number, 1 or more; the last block may be shorter
 *
 * Source: BD3-LM (arXiv 2503.09573), the `block_diff_mask` of its models.
 *
 * @example
 * flexAttention(q, k, v, { maskMod: bind(blockDiffusion, { length: 3, blockSize: 2 }) });
 */
export const blockDiffusion: MaskMod<{ length: number; blockSize: number }> = (
  b,
  h,
  q,
  kv,
  { length, blockSize },
) => {
  const isClean = q >= length;
  const token = isClean ? q - length : q;
  const first = Math.floor(token / blockSize) * blockSize;
  const end = Math.min(first + blockSize, length);
  // Linear in kv, unlike a comparison of two quotients, so the range of keys is known.
  const isOwnNoised = !isClean && kv >= first && kv < end;
  const isEarlierClean = kv >= length && kv < length + (isClean ? end : first);
  return isOwnNoised || isEarlierClean;
};
