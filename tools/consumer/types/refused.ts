// Programs that the types must refuse; compiled, never run. A marked line that compiles is an error.
import type { Gpu, Tensor } from '@heed/core';
import { flexAttention, type MaskMod } from '@heed/flex';
import { attention } from '@heed/kernels-wgsl';
import { PagedKvCache } from '@heed/kvcache';

// @ts-expect-error a mask returns a boolean
export const mask: MaskMod = (b, h, q, kv) => q - kv;

export function misspelled(x: Tensor): void {
  // @ts-expect-error there is no such option
  attention(x, x, x, { casual: true });
  // @ts-expect-error in flex, causal is a mask
  flexAttention(x, x, x, { causal: true });
  // @ts-expect-error shapes are read-only
  x.shape[0] = 1;
}

export async function incomplete(gpu: Gpu): Promise<void> {
  // @ts-expect-error a type that heed does not have
  gpu.empty([1], { dtype: 'f64' });
  // @ts-expect-error a cache needs to know its head dim
  await PagedKvCache.create(gpu, { layers: 1, kvHeads: 1, pages: 1 });
}
