// What a user of flex writes; compiled, never run.
import type { Gpu, PagedKvView, Tensor } from '@heed/core';
import { andMasks, bind, flexAttention, type ScoreMod } from '@heed/flex';
import { causal, slidingWindow } from '@heed/flex/masks';
import { softcap } from '@heed/flex/mods';

const biased: ScoreMod<{ bias: Tensor }> = (score, b, h, q, kv, c) => score + c.bias[h][q - kv];

export function dense(gpu: Gpu, bias: Tensor): Tensor {
  const x = gpu.empty([1, 8, 16, 64], { dtype: 'f16' });
  return flexAttention(x, x, x, { scoreMod: biased, maskMod: causal, captures: { bias } }).out;
}

export function paged(q: Tensor, view: PagedKvView, cuSeqlensQ: Int32Array): Tensor {
  const maskMod = andMasks(causal, bind(slidingWindow, { window: 128 }));
  return flexAttention(q, view, { cuSeqlensQ, maskMod, scoreMod: bind(softcap, { cap: 30 }) }).out;
}
