import type { Tensor as HeedTensor } from '@heed/core';
import { andMasks, type MaskMod } from '@heed/flex';
import { causal } from '@heed/flex/masks';
import { flexAttention } from '@heed/tfjs';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { AttentionInputs } from '../../transformer/attention.ts';
import { rotate } from '../../transformer/rope.ts';
import type { DeviceBatch } from './device-batch.ts';

/** heed's `document` for rows that are packed differently: `id` is [rows, length]. */
const sameDocument: MaskMod<{ id: HeedTensor }> = (b, h, q, kv, { id }) => id[b]![q] === id[b]![kv];

const maskMod: MaskMod<{ id: HeedTensor }> = andMasks(causal, sameDocument);

/**
 * Attention of each token to those before it in its document. One kernel, forward and backward; tiles of keys that the mask
 * hides, as those of other documents, are not computed.
 * @returns [T, heads, headDim]
 */
export function attend({ q, k, v }: AttentionInputs, batch: DeviceBatch): Tensor {
  const { angles, cuSeqlens, documents } = batch;
  return flexAttention(rotate(q, angles), rotate(k, angles), v, {
    cuSeqlensQ: cuSeqlens,
    maskMod,
    captures: { id: documents },
  });
}
