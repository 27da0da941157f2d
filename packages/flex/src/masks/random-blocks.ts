import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * Each block of queries sees `count` blocks of keys that a hash draws from all blocks of the sequence: the random part of
 * BigBird, whose whole is `orMasks` of this and {@link globalPlusWindow}.
 *
 *     seed 7, blockSize 2, count 2:  ░░██░░░░░░██
 *                                    ░░██░░░░░░██
 *                                    ░░░░░░████░░
 *                                    ░░░░░░████░░
 *                                    ░░░░░░██░░░░  two draws agree
 *                                    ░░░░░░██░░░░
 *                                    ░░██░░░░██░░
 *                                    ░░██░░░░██░░
 *                                    ░░░░██░░░░██
 *                                    ░░░░██░░░░██
 *                                    ██░░░░░░██░░
 *                                    ██░░░░░░██░░
 *
 * The same seed gives the same blocks, on every device and for every batch entry and head; another seed compiles nothing. Draw i
 * of query block n is (mix(mix(mix(seed) ^ n) ^ i) >>> 1) mod the number of blocks, where mix is a 32-bit hash (lowbias32). Two
 * draws may agree. The number of blocks is that of the sequence's keys in use, so cached decode draws anew as it grows.
 *
 * What follows from a hash is known only within one block of queries: the blocks of a BlockMask, 128 by default, are skipped where
 * `blockSize` is a multiple of theirs.
 *
 * - `seed`: a whole number of 32 bits
 * - `blockSize`: a whole number, 1 or more; queries and keys have blocks of this size
 * - `count`: how many blocks to draw, 1 to 4 (BigBird: 3)
 *
 * Source: BigBird (arXiv 2007.14062), its random attention.
 *
 * @example
 * const random = bind(randomBlocks, { seed: 7, blockSize: 64, count: 3 });
 * const near = bind(globalPlusWindow, { globals: 64, window: 64 });
 * flexAttention(q, k, v, { maskMod: orMasks(near, random) });
 */
export const randomBlocks: MaskMod<{ seed: number; blockSize: number; count: number }> = (
  b,
  h,
  q,
  kv,
  { seed, blockSize, count },
  { kvLen },
) => {
  const mix = (x: number): number => {
    const y = Math.imul(x ^ (x >>> 16), 0x7feb352d);
    const z = Math.imul(y ^ (y >>> 15), -0x7b935975);
    return z ^ (z >>> 16);
  };
  const row = mix(mix(seed) ^ Math.floor(q / blockSize));
  const block = Math.floor(kv / blockSize);
  const blocks = Math.floor((kvLen + blockSize - 1) / blockSize);
  let isDrawn = false;
  for (let i = 0; i < 4; i++) {
    isDrawn = isDrawn || (i < count && (mix(row ^ i) >>> 1) % blocks === block);
  }
  return isDrawn;
};
