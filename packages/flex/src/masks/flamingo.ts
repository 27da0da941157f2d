import type { Tensor } from '@heed/core';
import type { MaskMod } from '../text/compile/mod-types.ts';

/**
 * Cross-attention of text to images: queries are the tokens of a text, keys the tokens of its images, one image after the other.
 * An interval of the text sees each image: usually the text from the image on to the next image.
 *
 *     tokensPerImage 2, intervals [0, 4), [1, 4), [4, 6):  ██░░░░
 *                                                          ████░░
 *                                                          ████░░
 *                                                          ████░░
 *                                                          ░░░░██
 *                                                          ░░░░██
 *
 * Text before the first image sees nothing: its rows of `out` are 0. Pass `align: 'start'`, so that positions of the text count
 * from 0 whatever the number of keys.
 *
 * - `intervals`: [images, 2] i32, the first position of the text that sees the image, and the position behind the last one.
 *   Blocks are skipped if the intervals ascend
 * - `tokensPerImage`: keys per image, 1 or more
 *
 * Source: Flamingo (arXiv 2204.14198); `attn_gym/masks/flamingo.py`.
 *
 * @example
 * const intervals = gpu.tensor([0, 2, 2, 6], { shape: [2, 2], dtype: 'i32' });
 * const maskMod = bind(flamingo, { intervals, tokensPerImage: 3 });
 * flexAttention(q, k, v, { maskMod, align: 'start' });
 */
export const flamingo: MaskMod<{ intervals: Tensor; tokensPerImage: number }> = (
  b,
  h,
  q,
  kv,
  { intervals, tokensPerImage },
) => {
  const image = Math.floor(kv / tokensPerImage);
  return q >= intervals[image]![0]! && q < intervals[image]![1]!;
};
